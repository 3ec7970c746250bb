#include "agent/sccache/key_log.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "agent/core/digest.hpp"
#include "agent/core/text.hpp"
#include "agent/launcher/named_output.hpp"
#include "agent/sccache/redaction.hpp"

namespace agent::sccache {

namespace {

constexpr std::size_t k_name_limit = 300;

// "[…] [NAME]: WHAT" as NAME and WHAT.
struct Said {
  std::string_view name;
  std::string_view what;
};

std::optional<Said> said_in(std::string_view line) {
  constexpr std::string_view k_module = "sccache::compiler::compiler] [";
  const auto at = line.find(k_module);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const auto rest = line.substr(at + k_module.size());
  const auto end = rest.find("]: ");
  if (end == std::string_view::npos || end == 0 || end > k_name_limit) {
    return std::nullopt;
  }
  return Said{.name = rest.substr(0, end), .what = rest.substr(end + 3)};
}

// `["-c", "a \"b\".c"]`, as Rust writes a list of texts.
std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (inside && text[i] == '\\' && i + 1 < text.size()) {
      word += text[++i];
    } else if (text[i] == '"') {
      if (inside) {
        words.push_back(without_secrets(word));
        word.clear();
      }
      inside = !inside;
    } else if (inside) {
      word += text[i];
    }
  }
  return words;
}

std::size_t bytes_of_all(const std::vector<std::string>& words) {
  std::size_t bytes = 0;
  for (const auto& word : words) {
    bytes += word.size();
  }
  return bytes;
}

// Compilations that have begun, and which of them each name means now.
class Reader {
public:
  void take(const Said& said) {
    constexpr std::string_view k_begin = "get_cached_or_compile: ";
    constexpr std::string_view k_key = "Hash key: ";
    if (said.what.starts_with(k_begin)) {
      begin(said.name, said.what.substr(k_begin.size()));
      return;
    }
    const auto at = open_.find(said.name);
    if (at == open_.end()) {
      return;
    }
    auto& compilation = list_[at->second];
    if (said.what.starts_with(k_key)) {
      compilation.key = number_of_hex(said.what.substr(k_key.size(), k_number_digits)).value_or(0);
    } else if (said.what.starts_with("Cache hit")) {
      compilation.outcome = "hit";
    } else if (said.what.starts_with("Cache miss")) {
      compilation.outcome = "miss";
    }
  }

  std::vector<KeyedCompilation> finish() && {
    std::erase_if(list_, [](const KeyedCompilation& compilation) { return compilation.key == 0; });
    return std::move(list_);
  }

private:
  void begin(std::string_view name, std::string_view arguments) {
    if (list_.size() == k_max_compilations) {
      open_.erase(std::string(name));
      return;
    }
    KeyedCompilation compilation{.name = std::string(name), .arguments = list_of(arguments)};
    bytes_ += bytes_of_all(compilation.arguments);
    if (bytes_ > k_max_argument_bytes) {
      compilation.arguments.clear();
    }
    open_[compilation.name] = list_.size();
    list_.push_back(std::move(compilation));
  }

  std::vector<KeyedCompilation> list_;
  std::map<std::string, std::size_t, std::less<>> open_;
  std::size_t bytes_ = 0;
};

}  // namespace

bool KeyedCompilation::is_rust() const {
  return std::ranges::find(arguments, "--crate-name") != arguments.end();
}

std::string_view KeyedCompilation::output() const {
  return launcher::named_output(arguments);
}

std::vector<KeyedCompilation> parse_key_log(std::string_view text) {
  Reader reader;
  text = text.substr(0, k_max_key_log_bytes);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (const auto said = said_in(text.substr(0, end))) {
      reader.take(*said);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(reader).finish();
}

}  // namespace agent::sccache
