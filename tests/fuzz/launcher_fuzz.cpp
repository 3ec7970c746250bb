// What the launcher reads from outside: replies of the server, compiler output, its configuration.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "agent/launcher/ansi.hpp"
#include "agent/launcher/config.hpp"
#include "agent/launcher/protocol.hpp"

namespace {

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

bool inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto reply = agent::launcher::parse_reply(text)) {
    check(inside(reply->output, text) && inside(reply->errors, text) && inside(reply->reason, text));
  }

  std::vector<char> out(size * agent::launcher::k_max_stripped_growth);
  const std::string_view stripped(out.data(), agent::launcher::strip_escapes(text, out));
  check(!stripped.contains('\x1b'));
  check(!agent::launcher::is_plain(text) || stripped == text);

  std::string config(text);
  config.push_back('\0');
  if (const auto parsed = agent::launcher::parse_config(config)) {
    check(inside(parsed->real, config) && parsed->real.c_str()[parsed->real.size()] == '\0');
  }
  return 0;
}
