#include "agent/launcher/environment.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace agent::launcher {
namespace {

constexpr std::string_view k_sccache_prefix = "SCCACHE_";
constexpr std::string_view k_socket_variable = "SCCACHE_SERVER_UDS";

// A server outlives the make or cargo that happened to start it, and must hold none of their job slots; a
// preloaded library is the caller's business, not that of every later compilation.
constexpr std::array<std::string_view, 4> k_not_for_servers = {"MAKEFLAGS", "MFLAGS", "CARGO_MAKEFLAGS",
                                                               "LD_PRELOAD"};

// Constant entries; char* because that is what execve takes, never written to.
constexpr std::array k_server_entries = {"SCCACHE_START_SERVER=1", "SCCACHE_NO_DAEMON=1", "RUST_BACKTRACE=1"};
constexpr const char* k_no_config_file = "SCCACHE_CONF=/dev/null";

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != std::ranges::end(list);
}

bool sets(std::span<char* const> entries, std::string_view name) {
  return std::ranges::any_of(entries, [name](const char* entry) { return variable_name(entry) == name; });
}

bool survives(std::string_view name, Role role, const Config& config) {
  if (name.starts_with(k_sccache_prefix) && !contains(k_kept_variables, name)) {
    return false;
  }
  return (role != Role::server || !contains(k_not_for_servers, name)) && !sets(config.variables(), name);
}

class EntryList final {
public:
  explicit EntryList(std::span<char*> place) : place_(place) {}
  void add(const char* entry) { place_[count_++] = CString(entry).entry(); }
  char** finish() {
    place_[count_] = nullptr;
    return place_.data();
  }

private:
  std::span<char*> place_;
  std::size_t count_ = 0;
};

}  // namespace

char** real_environment(Role role, const Config& config, std::span<char* const> inherited, Arena& arena) {
  constexpr std::size_t k_own_entries = 2 + k_server_entries.size();
  const std::span<char*> place =
      arena.take_array<char*>(inherited.size() + config.variable_count + k_own_entries + 1);
  const CString socket = arena.join(std::array<std::string_view, 3>{k_socket_variable, "=", config.socket});
  if (place.empty() || socket.empty()) {
    return nullptr;
  }
  EntryList entries(place);
  for (const char* entry : inherited) {
    if (survives(variable_name(entry), role, config)) {
      entries.add(entry);
    }
  }
  for (const char* entry : config.variables()) {
    entries.add(entry);
  }
  if (!sets(config.variables(), k_socket_variable)) {
    entries.add(socket.c_str());
  }
  if (!sets(config.variables(), "SCCACHE_CONF")) {
    entries.add(k_no_config_file);
  }
  if (role == Role::server) {
    for (const char* entry : k_server_entries) {
      entries.add(entry);
    }
  }
  return entries.finish();
}

}  // namespace agent::launcher
