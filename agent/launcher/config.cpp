#include "agent/launcher/config.hpp"

#include <algorithm>

namespace agent::launcher {
namespace {

bool absolute(std::string_view path) {
  return path.starts_with('/');
}

CString* text_field(Config& config, std::string_view key) {
  struct Field {
    std::string_view key;
    CString Config::* place;
  };
  static constexpr std::array k_fields = {
      Field{k_key_real, &Config::real},  Field{k_key_socket, &Config::socket},
      Field{k_key_lock, &Config::lock},  Field{k_key_state, &Config::state},
      Field{k_key_log, &Config::log},    Field{k_key_inputs, &Config::inputs},
      Field{k_key_agent, &Config::agent}};
  for (const Field& field : k_fields) {
    if (field.key == key) {
      return &(config.*field.place);
    }
  }
  return nullptr;
}

bool add_variable(Config& config, std::span<char> entry) {
  if (config.variable_count == config.variable_list.size()) {
    return false;
  }
  config.variable_list[config.variable_count++] = entry.data();
  return true;
}

// Milliseconds, 1 to 9 digits; `otherwise` where it is no such number.
long number(std::string_view text, long otherwise) {
  constexpr std::size_t k_most_digits = 9;
  long value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') {
      return otherwise;
    }
    value = (value * 10) + (digit - '0');
  }
  return text.empty() || text.size() > k_most_digits ? otherwise : value;
}

bool take_line(Config& config, std::span<char> line) {
  const std::string_view text(line.data(), line.size());
  const std::size_t equals = text.find('=');
  if (text.empty() || text.front() == '#' || equals == std::string_view::npos) {
    return text.empty() || text.front() == '#';
  }
  const std::string_view key(text.data(), equals);
  const CString value(text.data() + equals + 1, text.size() - equals - 1);
  if (key.size() > k_key_variable_prefix.size() && key.starts_with(k_key_variable_prefix)) {
    return add_variable(config, line.subspan(k_key_variable_prefix.size()));
  }
  if (key == k_key_protocol) {
    config.protocol = std::string_view(value) == k_protocol_0_16 ? Protocol::v0_16 : Protocol::none;
  } else if (key == k_key_answer) {
    config.answer_ms = number(value, config.answer_ms);
  } else if (key == k_key_idle) {
    config.idle_ms = number(value, config.idle_ms);
  } else if (CString* field = text_field(config, key)) {
    *field = value;
  }
  return true;
}

bool usable(const Config& config) {
  return absolute(config.real) && absolute(config.socket) && absolute(config.lock) &&
         absolute(config.state) && config.socket.size() <= k_max_socket_path &&
         (config.log.empty() || absolute(config.log)) && (config.inputs.empty() || absolute(config.inputs));
}

}  // namespace

std::optional<Config> parse_config(std::span<char> text) {
  if (text.empty() || std::ranges::find(text, '\0') < text.end() - 1) {
    return std::nullopt;  // a zero inside would cut a value short behind our back
  }
  text.back() = '\n';
  Config config;
  while (!text.empty()) {
    const auto end = std::ranges::find(text, '\n');
    *end = '\0';
    const auto size = static_cast<std::size_t>(end - text.begin());
    if (!take_line(config, text.first(size))) {
      return std::nullopt;
    }
    text = text.subspan(size + 1);
  }
  return usable(config) ? std::optional(config) : std::nullopt;
}

}  // namespace agent::launcher
