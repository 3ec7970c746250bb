// sccache's wire protocol between client and server, version 0.16: one Compile request, its replies.
// Frames are a big-endian 32-bit length and a bincode 1.3 payload (fixed-width little-endian integers, 32-bit
// variant numbers, 64-bit lengths, one byte for an Option). See docs/protocols/sccache-client.md.
// Source: sccache 0.16.0, src/protocol.rs, src/client.rs, src/util.rs; read 2026-11.
// Guard: tests/launcher/launcher_e2e.py compares with the real client against the real server.
//
// Pure; safe from any thread. Errors: a reply that does not parse is an empty answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace agent::launcher {

inline constexpr std::size_t k_frame_header = 4;
// The server's own limit is 8 MiB unless SCCACHE_MAX_FRAME_LENGTH raises it; what is beyond ours is not read.
inline constexpr std::size_t k_max_frame = std::size_t{256} * 1024 * 1024;

struct CompileRequest {
  std::string_view compiler;  // path
  std::string_view working_directory;
  std::span<char* const> arguments;
  std::span<char* const> environment;  // "NAME=VALUE"; what the real client leaves out is left out here too
};

// The size of the whole frame, header included; 0 if it cannot be told in 32 bits.
std::size_t request_size(const CompileRequest& request);
// Fills exactly request_size() bytes.
void write_request(const CompileRequest& request, std::span<char> frame);

// False for the variables that the real client keeps from the server, and for entries without a name.
bool is_sent(std::string_view variable);

enum class ColorMode : std::uint8_t { off, on, automatic };
enum class ReplyKind : std::uint8_t { started, unhandled, unsupported, finished };

struct Reply {
  ReplyKind kind = ReplyKind::unhandled;
  std::string_view reason;  // unsupported: the server's words
  // finished:
  std::optional<std::int32_t> exit_code;
  std::optional<std::int32_t> signal;
  std::string_view output;
  std::string_view errors;
  ColorMode color = ColorMode::automatic;
};

// The payload's length from a frame's header; empty if it is beyond k_max_frame.
std::optional<std::size_t> payload_size(std::span<const char, k_frame_header> header);
// Replies other than those to a Compile request do not parse.
std::optional<Reply> parse_reply(std::string_view payload);

}  // namespace agent::launcher
