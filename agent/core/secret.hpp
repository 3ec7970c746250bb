// A string that must not be printed: a token, a key. It has no formatter and no stream operator, so that
// a log line or a summary that would show it does not compile. Value type.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace agent {

class Secret final {
public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  bool empty() const { return text_.empty(); }

  // For the wire, a private file or an `::add-mask::` command, and nothing else.
  const std::string& reveal() const { return text_; }

  // Takes the same time wherever the first difference is; the length may be learnt.
  bool equals(std::string_view other) const;

private:
  std::string text_;
};

}  // namespace agent
