// The action's inputs (action.yml), checked once. Values. The runner passes an input as INPUT_<NAME>,
// upper-cased, with blanks made underscores and dashes kept; an input that was not given arrives with its
// default, or empty (actions/runner, src/Runner.Worker/Handlers/Handler.cs, read 2026-11).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/app/sccache_mode.hpp"
#include "agent/core/result.hpp"
#include "agent/core/secret.hpp"
#include "agent/io/process.hpp"
#include "agent/keys/scopes.hpp"

namespace agent::action {

// What `backend` asks for. `url` is "disk:///path", with the path as the host sees it, or the URL of a
// storage behind a network ("github", "s3://…", "boringcache://…"); only with `named`.
struct BackendInput {
  enum class Kind : std::uint8_t { automatic, none, named } kind = Kind::automatic;
  std::string url;

  // The folder of a disk:// URL on the host; empty for any other.
  std::string disk_folder() const;
};

struct Inputs {
  std::string tag;  // whole; empty: computed from the parts below
  std::string tag_prefix;
  std::string toolchain;
  std::string scope;
  std::string matrix;  // JSON text
  bool run_scoped = false;
  BackendInput backend;
  Secret token;  // of GitHub's REST interface, or of a cache server

  // The token where it is a cache server's: empty where GitHub made it, which no one else may see.
  Secret server_token() const;
  keys::RequestedMode mode = keys::RequestedMode::automatic;
  app::SccacheMode sccache_mode = app::SccacheMode::automatic;
  struct Tools {
    bool sccache = true;  // the steps' compilers are wrapped with it
    bool ccache = false;  // the job has a folder for it
  } tools;
  bool fail_on_miss = false;
  bool fail_on_cache_error = false;
  std::optional<std::uint64_t> preload_bytes;  // empty: the agent's own budget; 0: nothing is preloaded
  std::uint64_t max_size_bytes = std::uint64_t{10} << 30U;
  std::uint64_t max_tag_bytes = 0;  // 0: as the backend wants it
  std::uint64_t min_free_bytes = std::uint64_t{1} << 30U;
  double min_hit_rate = 80;  // percent; below it the summary says why; 0: never
  bool summary = true;
};

// The text of an input, trimmed; empty where it was not given.
std::string input_text(const io::Environment& environment, std::string_view name);

// Errors: invalid, naming the input, what it holds and what it may hold.
Result<Inputs> read_inputs(const io::Environment& environment);

}  // namespace agent::action
