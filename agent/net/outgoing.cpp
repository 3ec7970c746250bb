#include "agent/net/outgoing.hpp"

#include <fmt/format.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

#include "agent/core/text.hpp"
#include "agent/io/fd.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::net {

namespace {

constexpr std::size_t k_copied_file_bytes = std::size_t{16} * 1024;  // up to here, copying beats sendfile
constexpr std::uint64_t k_bytes_per_turn = std::uint64_t{2} << 20U;
constexpr std::size_t k_kept_capacity = std::size_t{64} * 1024;

bool is_bodiless(int status) {
  return status == 204 || status == 304 || (status >= 100 && status < 200);
}

std::uint64_t body_size(const Response& response) {
  const auto* const file = std::get_if<io::FileSlice>(&response.body);
  return file != nullptr ? file->size : std::get<std::string>(response.body).size();
}

bool is_ours(std::string_view name) {
  return equals_ignoring_case(name, "content-length") || equals_ignoring_case(name, "date") ||
         equals_ignoring_case(name, "connection") || equals_ignoring_case(name, "transfer-encoding");
}

void append_head(std::string& out, const Response& response, const ResponseFrame& frame) {
  auto to = std::back_inserter(out);
  fmt::format_to(to, "HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
  if (!is_bodiless(response.status)) {
    fmt::format_to(to, "Content-Length: {}\r\n", body_size(response));
  }
  out += "Date: ";
  out += frame.date;
  out += "\r\n";
  if (frame.close) {
    out += "Connection: close\r\n";
  } else if (frame.to_http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  for (const auto& [name, value] : response.headers.all()) {
    if (is_ours(name) || !is_token(name) || !is_field_value(value)) {
      continue;  // a line break in a value would let whoever chose it write headers of their own
    }
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  out += "\r\n";
}

// Appends what the slice holds. Errors: as read_exact_at; `out` is unchanged then.
Result<void> append_file(std::string& out, const io::FileSlice& file) {
  const auto before = out.size();
  const auto wanted = static_cast<std::size_t>(file.size);
  Result<void> read;
  out.resize_and_overwrite(before + wanted, [&](char* bytes, std::size_t) {
    read = io::read_exact_at(file.fd, std::as_writable_bytes(std::span(bytes + before, wanted)), file.offset,
                             "response body");
    return read ? before + wanted : before;
  });
  return read;
}

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

void Outgoing::reset() {
  buffer_.clear();
  if (buffer_.capacity() > k_kept_capacity) {
    buffer_.shrink_to_fit();
  }
  body_ = {};
  file_ = {};
  memory_sent_ = 0;
  file_sent_ = 0;
}

Result<void> Outgoing::start(Response response, const ResponseFrame& frame) {
  reset();
  sent_ = 0;
  append_head(buffer_, response, frame);
  if (frame.to_head || is_bodiless(response.status)) {
    return {};
  }
  if (auto* const text = std::get_if<std::string>(&response.body)) {
    body_ = std::move(*text);
    return {};
  }
  auto& file = std::get<io::FileSlice>(response.body);
  if (file.size <= k_copied_file_bytes) {
    auto appended = append_file(buffer_, file);
    if (!appended) {
      buffer_.clear();
    }
    return appended;
  }
  file_ = std::move(file);
  return {};
}

Outgoing::Progress Outgoing::send_memory(int socket) {
  const auto total = buffer_.size() + body_.size();
  while (memory_sent_ < total) {
    std::array<iovec, 2> parts{};
    std::size_t count = 0;
    if (memory_sent_ < buffer_.size()) {
      parts.at(count++) = {.iov_base = buffer_.data() + memory_sent_,
                           .iov_len = buffer_.size() - memory_sent_};
    }
    if (!body_.empty()) {
      const auto from = memory_sent_ - std::min(memory_sent_, buffer_.size());
      parts.at(count++) = {.iov_base = body_.data() + from, .iov_len = body_.size() - from};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const int more = file_.size > 0 ? MSG_MORE : 0;  // the head travels with the first of the file
    const auto written = ::sendmsg(socket, &message, MSG_NOSIGNAL | more);
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return would_block(errno) ? Progress::blocked : Progress::failed;
    }
    memory_sent_ += static_cast<std::size_t>(written);
    sent_ += static_cast<std::uint64_t>(written);
  }
  return Progress::done;
}

Outgoing::Progress Outgoing::send_file(int socket) {
  std::uint64_t turn = k_bytes_per_turn;
  while (file_sent_ < file_.size) {
    if (turn == 0) {
      return Progress::yielded;
    }
    auto offset = static_cast<off_t>(file_.offset + file_sent_);
    const auto wanted = static_cast<std::size_t>(std::min(file_.size - file_sent_, turn));
    const auto written = ::sendfile(socket, file_.fd, &offset, wanted);
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return would_block(errno) ? Progress::blocked : errno == EIO ? Progress::truncated : Progress::failed;
    }
    if (written == 0) {
      return Progress::truncated;
    }
    file_sent_ += static_cast<std::uint64_t>(written);
    sent_ += static_cast<std::uint64_t>(written);
    turn -= static_cast<std::uint64_t>(written);
  }
  return Progress::done;
}

Outgoing::Progress Outgoing::flush(int socket) {
  auto progress = send_memory(socket);
  if (progress == Progress::done && file_.size > 0) {
    progress = send_file(socket);
  }
  if (progress == Progress::done) {
    reset();  // gives the file's pin back
  }
  return progress;
}

}  // namespace agent::net
