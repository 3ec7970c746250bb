// How many descriptors this process may have open. Safe from any thread.
#pragma once

namespace agent::app {

// As many as the hard limit lets it: packs stay open, one descriptor each, a client of a server with TLS
// takes three, and the soft limit of 1,024 is for programs that use select(2).
void raise_descriptor_limit();

}  // namespace agent::app
