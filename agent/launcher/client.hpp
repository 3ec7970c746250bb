// One compilation through the server: send the request, wait for the end, print what the compiler printed.
// Blocks as long as the compilation takes; a dead server ends it at once, because its socket closes, and one
// that does not even say that it has begun ends it after a while.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/launcher/activity.hpp"
#include "agent/launcher/protocol.hpp"
#include "agent/launcher/text.hpp"

namespace agent::launcher {

// How a compilation through the server ended.
struct Outcome {
  enum class Kind : std::uint8_t {
    finished,  // it ran, or was in the cache; everything is printed
    uncached,  // the server leaves it to us, as it should: no compilation, or one that cannot be cached
    failed,    // the server or the connection failed; `reason` is that of the event `fallback`
  };

  Kind kind = Kind::failed;
  int exit_code = 0;
  std::string_view reason;
};

struct Terminal {
  bool dumb = false;  // TERM=dumb
};

// Takes the connected socket `server`, and leaves it open. `answer_ms`: for the server's first word, which
// comes before the compiler runs.
Outcome compile_on_server(int server, const CompileRequest& request, Terminal terminal, Watch& watch,
                          Arena& arena);

// Writes everything, waiting where the descriptor is not ready; false if it cannot be written.
bool write_all(int fd, std::string_view bytes);

}  // namespace agent::launcher
