#include "agent/launcher/client.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "agent/launcher/ansi.hpp"
#include "agent/launcher/sys.hpp"

namespace agent::launcher {
namespace {

constexpr std::size_t k_first_buffer = std::size_t{16} * 1024;
constexpr long k_write_poll_ms = 1000;
// What the real client exits with, as src/commands.rs has it: -2 and -3, of which eight bits survive.
constexpr int k_killed_exit = 254;
constexpr int k_no_status_exit = 253;
constexpr int k_output_lost_exit = 2;

// Reads frames from the server; a frame is valid until the next is read.
class FrameReader final {
public:
  FrameReader(int fd, Watch& watch, Arena& arena)
      : fd_(fd), watch_(&watch), arena_(&arena), buffer_(arena.take(k_first_buffer)) {}

  enum class End : std::uint8_t { frame, closed, bad, hung };

  End next(std::string_view& payload) {
    drop_previous();
    if (const auto end = fill(k_frame_header); end != End::frame) {
      return end;
    }
    const auto size = payload_size(std::span<const char, k_frame_header>(buffer_.data(), k_frame_header));
    if (!size || !reserve(k_frame_header + *size)) {
      return End::bad;
    }
    if (const auto end = fill(k_frame_header + *size); end != End::frame) {
      return end;
    }
    frame_ = k_frame_header + *size;
    payload = {buffer_.data() + k_frame_header, *size};
    return End::frame;
  }

private:
  void drop_previous() {
    std::ranges::copy(buffer_.subspan(frame_, filled_ - frame_), buffer_.begin());
    filled_ -= frame_;
    frame_ = 0;
  }

  bool reserve(std::size_t size) {
    if (size <= buffer_.size()) {
      return true;
    }
    const std::span<char> larger = arena_->take(size);
    if (larger.empty()) {
      return false;
    }
    std::copy_n(buffer_.begin(), filled_, larger.begin());
    buffer_ = larger;
    return true;
  }

  // End::frame: so many bytes are there.
  End fill(std::size_t size) {
    while (filled_ < size) {
      while (sys::wait_for(fd_, POLLIN, watch_->interval_ms()) == 0) {
        if (watch_->gives_up()) {
          return End::hung;
        }
      }
      const long got = sys::receive(fd_, buffer_.subspan(filled_));
      if (got == -EINTR) {
        continue;
      }
      if (got <= 0) {
        return End::closed;
      }
      filled_ += static_cast<std::size_t>(got);
    }
    return End::frame;
  }

  int fd_;
  Watch* watch_;
  Arena* arena_;
  std::span<char> buffer_;
  std::size_t filled_ = 0;
  std::size_t frame_ = 0;
};

std::string_view reason_of(FrameReader::End end) {
  switch (end) {
    case FrameReader::End::closed:
      return "connection-lost";
    case FrameReader::End::hung:
      return "server-hung";
    default:
      return "bad-reply";
  }
}

Outcome failed(std::string_view reason) {
  return {.kind = Outcome::Kind::failed, .exit_code = 0, .reason = reason};
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const long sent = sys::send(fd, bytes);
    if (sent == -EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Compiler output as the real client prints it (src/commands.rs, handle_compile_finished).
bool print(int fd, std::string_view text, ColorMode color, Arena& arena, Terminal terminal) {
  if (text.empty()) {
    return true;
  }
  const bool as_it_is = color == ColorMode::on || is_plain(text) ||
                        (color != ColorMode::off && !terminal.dumb && sys::is_terminal(fd));
  if (as_it_is) {
    return write_all(fd, text);
  }
  const std::span<char> stripped = arena.take(text.size() * k_max_stripped_growth);
  return !stripped.empty() && write_all(fd, {stripped.data(), strip_escapes(text, stripped)});
}

Outcome finish(const Reply& reply, Terminal terminal, Arena& arena) {
  Outcome outcome{.kind = Outcome::Kind::finished, .exit_code = k_output_lost_exit, .reason = {}};
  if (!print(STDOUT_FILENO, reply.output, reply.color, arena, terminal) ||
      !print(STDERR_FILENO, reply.errors, reply.color, arena, terminal)) {
    return outcome;
  }
  if (reply.exit_code) {
    outcome.exit_code = *reply.exit_code;
  } else if (reply.signal) {
    Line line;
    line.add("sccache: Compiler killed by signal ").add(*reply.signal).add("\n");
    write_all(STDOUT_FILENO, line.view());
    outcome.exit_code = k_killed_exit;
  } else {
    write_all(STDOUT_FILENO, "sccache: Missing compiler exit status!\n");
    outcome.exit_code = k_no_status_exit;
  }
  return outcome;
}

}  // namespace

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const long written = sys::write(fd, bytes);
    if (written == -EAGAIN) {
      sys::wait_for(fd, POLLOUT, k_write_poll_ms);
    } else if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (written != -EINTR) {
      return false;
    }
  }
  return true;
}

Outcome compile_on_server(int server, const CompileRequest& request, Terminal terminal, Watch& watch,
                          Arena& arena) {
  const std::span<char> frame = arena.take(request_size(request));
  if (frame.empty()) {
    return failed("request-too-large");
  }
  write_request(request, frame);
  if (!send_all(server, {frame.data(), frame.size()})) {
    return failed("send-failed");
  }
  if (sys::wait_for(server, POLLIN, watch.answer_ms()) == 0) {
    return failed("server-hung");
  }
  FrameReader reader(server, watch, arena);
  while (true) {
    std::string_view payload;
    const auto end = reader.next(payload);
    if (end != FrameReader::End::frame) {
      return failed(reason_of(end));
    }
    const auto reply = parse_reply(payload);
    if (!reply) {
      return failed("bad-reply");
    }
    switch (reply->kind) {
      case ReplyKind::started:
        break;  // the result follows
      case ReplyKind::unhandled:
        return {.kind = Outcome::Kind::uncached, .exit_code = 0, .reason = {}};
      case ReplyKind::unsupported:
        return failed("unsupported-compiler");
      case ReplyKind::finished:
        return finish(*reply, terminal, arena);
    }
  }
}

}  // namespace agent::launcher
