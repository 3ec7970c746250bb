#include "agent/keys/toolchain.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "agent/core/text.hpp"
#include "agent/io/file.hpp"
#include "agent/io/process.hpp"

namespace agent::keys {

namespace {

constexpr std::size_t k_file_limit = std::size_t{64} * 1024;

// The digits at the start of `text`, which is moved past them.
std::string_view take_digits(std::string_view& text) {
  const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
  text.remove_prefix(digits.size());
  return digits;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

// "1.95", "1.95.0", "1.95.0-beta.2", "1.97.0-nightly", from the start of `text`.
std::optional<std::string> numbered_version(std::string_view text) {
  auto rest = text;
  if (take_digits(rest).empty() || !take(rest, ".") || take_digits(rest).empty()) {
    return std::nullopt;
  }
  if (auto patch = rest; take(patch, ".") && !take_digits(patch).empty()) {
    rest = patch;
  }
  for (const std::string_view name : {"-beta", "-alpha", "-rc", "-nightly"}) {
    if (take(rest, name)) {
      if (auto number = rest; take(number, ".") && !take_digits(number).empty()) {
        rest = number;
      }
      break;
    }
  }
  if (!rest.empty() && rest.front() != '-') {  // a dash begins a host triple; anything else is no version
    return std::nullopt;
  }
  return std::string(text.substr(0, text.size() - rest.size()));
}

// "nightly-2026-10-01", from the start of `text`.
std::optional<std::string> dated_channel(std::string_view text) {
  auto rest = text;
  if (!take(rest, "nightly-") && !take(rest, "beta-") && !take(rest, "stable-")) {
    return std::nullopt;
  }
  constexpr std::array<std::size_t, 3> k_widths = {4, 2, 2};
  for (std::size_t i = 0; i < k_widths.size(); ++i) {
    if ((i > 0 && !take(rest, "-")) || take_digits(rest).size() != k_widths.at(i)) {
      return std::nullopt;
    }
  }
  if (!rest.empty() && rest.front() != '-') {
    return std::nullopt;
  }
  return std::string(text.substr(0, text.size() - rest.size()));
}

// What a TOML basic or literal string at the start of `text` holds. Escapes are not needed for a channel:
// a string with one has none.
std::optional<std::string> quoted(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || (text.front() != '"' && text.front() != '\'')) {
    return std::nullopt;
  }
  const auto end = text.find(text.front(), 1);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const auto inside = text.substr(1, end - 1);
  return !inside.contains('\\') ? std::optional(std::string(trimmed(inside))) : std::nullopt;
}

std::string_view bare_key(std::string_view key) {
  key = trimmed(key);
  if (key.size() >= 2 && (key.front() == '"' || key.front() == '\'') && key.back() == key.front()) {
    key = key.substr(1, key.size() - 2);
  }
  return key;
}

// The string of `channel = "…"` inside `{ … }`.
std::optional<std::string> channel_of_inline_table(std::string_view text) {
  text = trimmed(text);
  if (!take(text, "{")) {
    return std::nullopt;
  }
  for (const auto member : split(text, ',')) {
    const auto equals = member.find('=');
    if (equals != std::string_view::npos && bare_key(member.substr(0, equals)) == "channel") {
      return quoted(member.substr(equals + 1));
    }
  }
  return std::nullopt;
}

std::optional<std::string> channel_of_toml(std::string_view text) {
  std::string_view table;
  for (auto line : split(text, '\n')) {
    line = trimmed(line);
    if (line.starts_with('[')) {
      table = bare_key(line.substr(1, line.find(']') - 1));
      continue;
    }
    const auto equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) {
      continue;
    }
    const auto key = bare_key(line.substr(0, equals));
    const auto value = line.substr(equals + 1);
    if ((table == "toolchain" && key == "channel") || (table.empty() && key == "toolchain.channel")) {
      return quoted(value);
    }
    if (table.empty() && key == "toolchain") {
      return channel_of_inline_table(value);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> channel_of(std::string_view toolchain_file) {
  auto text = toolchain_file.substr(0, k_file_limit);
  take(text, "\xEF\xBB\xBF");  // a byte order mark, which some editors leave
  const auto line = trimmed(text);
  if (line.empty()) {
    return std::nullopt;
  }
  if (line.find_first_of("\n=[") == std::string_view::npos) {
    return line.find_first_of(" \t\r#\"'") == std::string_view::npos ? std::optional(std::string(line))
                                                                     : std::nullopt;
  }
  return channel_of_toml(text);
}

std::optional<std::string> version_of(std::string_view channel) {
  channel = trimmed(channel);
  constexpr std::size_t k_longest = 100;
  if (channel.size() > k_longest) {
    return std::nullopt;
  }
  if (auto version = numbered_version(channel)) {
    return version;
  }
  return dated_channel(channel);
}

std::optional<std::string> version_of_rustc(std::string_view output) {
  output = trimmed(output);
  if (!take(output, "rustc ")) {
    return std::nullopt;
  }
  return numbered_version(output.substr(0, output.find_first_of(" \r\n")));
}

Toolchain pinned_toolchain(const std::filesystem::path& workspace) {
  for (const std::string name : {"rust-toolchain", "rust-toolchain.toml"}) {
    const auto text = io::read_file(workspace / name, k_file_limit);
    if (!text) {
      if (text.error().code == Errc::not_found) {
        continue;
      }
      return {.version = {}, .source = fmt::format("{} cannot be read: {}", name, text.error().message)};
    }
    const auto channel = channel_of(*text);
    if (!channel) {
      return {.version = {}, .source = name + " names no channel"};
    }
    if (auto version = version_of(*channel)) {
      return {.version = *std::move(version), .source = name};
    }
    return {.version = {},
            .source = fmt::format("{} names the channel '{}', which moves", name, channel->substr(0, 60))};
  }
  return {.version = {}, .source = "there is no rust-toolchain file"};
}

Toolchain installed_toolchain(const std::filesystem::path& workspace) {
  using namespace std::chrono_literals;
  io::Command command;
  command.arguments = {"rustc", "-V"};
  command.folder = workspace;
  command.output = io::Command::Output::captured;
  const auto ended = io::run(command, 10s);
  if (!ended) {
    return {.version = {}, .source = fmt::format("rustc -V: {}", ended.error().message)};
  }
  auto version = version_of_rustc(ended->output);
  if (ended->code != 0 || !version) {
    return {.version = {}, .source = fmt::format("rustc -V printed no version (exit {})", ended->code)};
  }
  return {.version = *std::move(version), .source = "rustc -V"};
}

}  // namespace agent::keys
