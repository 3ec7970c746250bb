#include "agent/launcher/protocol.hpp"

#include <algorithm>
#include <array>

#include "agent/launcher/text.hpp"

namespace agent::launcher {
namespace {

// Request::Compile and the variants of Response and CompileResponse, by their order in src/protocol.rs.
constexpr std::uint32_t k_request_compile = 4;
constexpr std::uint32_t k_response_compile = 0;
constexpr std::uint32_t k_response_finished = 5;
constexpr std::uint32_t k_compile_started = 0;
constexpr std::uint32_t k_compile_unhandled = 1;
constexpr std::uint32_t k_compile_unsupported = 2;
constexpr std::uint32_t k_os_string_unix = 0;

// An OsString is a variant number and bytes with their length.
constexpr std::size_t k_string_overhead = sizeof(std::uint32_t) + sizeof(std::uint64_t);

// src/cmdline.rs, try_parse(): what differs between two identical builds, or hurts in another process tree.
constexpr std::array<std::string_view, 12> k_not_sent = {"LD_PRELOAD",
                                                         "RUNNING_UNDER_RR",
                                                         "HOSTNAME",
                                                         "PWD",
                                                         "HOST",
                                                         "RPM_BUILD_ROOT",
                                                         "SOURCE_DATE_EPOCH",
                                                         "RPM_PACKAGE_RELEASE",
                                                         "MINICOM",
                                                         "DESTDIR",
                                                         "RPM_PACKAGE_VERSION",
                                                         "CARGO_MAKEFLAGS"};

class Writer final {
public:
  explicit Writer(std::span<char> out) : place_(out.data()) {}

  template <typename Integer>
  void little_endian(Integer value) {
    for (std::size_t byte = 0; byte < sizeof(Integer); ++byte) {
      *place_++ = static_cast<char>(static_cast<unsigned char>(value >> (8 * byte)));
    }
  }
  void big_endian(std::uint32_t value) { little_endian(__builtin_bswap32(value)); }
  void os_string(std::string_view text) {
    little_endian(k_os_string_unix);
    little_endian(std::uint64_t{text.size()});
    place_ = std::ranges::copy(text, place_).out;
  }
  void count(std::size_t count) { little_endian(std::uint64_t{count}); }

private:
  char* place_;
};

class Reader final {
public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool failed() const { return failed_; }
  bool finished() const { return !failed_ && rest_.empty(); }

  template <typename Integer>
  Integer little_endian() {
    Integer value = 0;
    const std::string_view bytes = take(sizeof(Integer));
    for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
      value |=
          static_cast<Integer>(static_cast<Integer>(static_cast<unsigned char>(bytes[byte])) << (8 * byte));
    }
    return value;
  }
  std::string_view bytes() { return take(little_endian<std::uint64_t>()); }
  std::optional<std::int32_t> optional_integer() {
    const auto tag = little_endian<std::uint8_t>();
    failed_ = failed_ || tag > 1;
    return tag == 1 ? std::optional(static_cast<std::int32_t>(little_endian<std::uint32_t>())) : std::nullopt;
  }

private:
  std::string_view take(std::uint64_t size) {
    if (failed_ || size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken(rest_.data(), size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

std::size_t string_size(std::size_t length) {
  return k_string_overhead + length;
}

Reply parse_compile_reply(Reader& reader, bool& known) {
  Reply reply;
  switch (reader.little_endian<std::uint32_t>()) {
    case k_compile_started:
      reply.kind = ReplyKind::started;
      break;
    case k_compile_unhandled:
      reply.kind = ReplyKind::unhandled;
      break;
    case k_compile_unsupported:
      reply.kind = ReplyKind::unsupported;
      known = reader.little_endian<std::uint32_t>() == k_os_string_unix;
      reply.reason = reader.bytes();
      break;
    default:
      known = false;
  }
  return reply;
}

Reply parse_finished(Reader& reader, bool& known) {
  Reply reply;
  reply.kind = ReplyKind::finished;
  reply.exit_code = reader.optional_integer();
  reply.signal = reader.optional_integer();
  reply.output = reader.bytes();
  reply.errors = reader.bytes();
  const auto color = reader.little_endian<std::uint32_t>();
  known = color <= static_cast<std::uint32_t>(ColorMode::automatic);
  reply.color = known ? static_cast<ColorMode>(color) : ColorMode::automatic;
  return reply;
}

}  // namespace

bool is_sent(std::string_view variable) {
  const std::string_view name = variable_name(variable);
  return !name.empty() && std::ranges::find(k_not_sent, name) == k_not_sent.end();
}

std::size_t request_size(const CompileRequest& request) {
  std::size_t size = sizeof(std::uint32_t) + string_size(request.compiler.size()) +
                     string_size(request.working_directory.size()) + (2 * sizeof(std::uint64_t));
  for (const char* argument : request.arguments) {
    size += string_size(std::string_view(argument).size());
  }
  for (const char* variable : request.environment) {
    const std::string_view entry(variable);
    if (is_sent(entry)) {
      size += (2 * k_string_overhead) + entry.size() - 1;
    }
  }
  return size > k_max_frame ? 0 : size + k_frame_header;
}

void write_request(const CompileRequest& request, std::span<char> frame) {
  Writer writer(frame);
  writer.big_endian(static_cast<std::uint32_t>(frame.size() - k_frame_header));
  writer.little_endian(k_request_compile);
  writer.os_string(request.compiler);
  writer.os_string(request.working_directory);
  writer.count(request.arguments.size());
  for (const char* argument : request.arguments) {
    writer.os_string(argument);
  }
  writer.count(static_cast<std::size_t>(
      std::ranges::count_if(request.environment, [](const char* entry) { return is_sent(entry); })));
  for (const char* variable : request.environment) {
    const std::string_view entry(variable);
    if (is_sent(entry)) {
      const std::string_view name = variable_name(entry);
      writer.os_string(name);
      writer.os_string({entry.data() + name.size() + 1, entry.size() - name.size() - 1});
    }
  }
}

std::optional<std::size_t> payload_size(std::span<const char, k_frame_header> header) {
  std::size_t size = 0;
  for (const char byte : header) {
    size = (size << 8) | static_cast<unsigned char>(byte);
  }
  return size > k_max_frame ? std::nullopt : std::optional(size);
}

std::optional<Reply> parse_reply(std::string_view payload) {
  Reader reader(payload);
  bool known = true;
  Reply reply;
  switch (reader.little_endian<std::uint32_t>()) {
    case k_response_compile:
      reply = parse_compile_reply(reader, known);
      break;
    case k_response_finished:
      reply = parse_finished(reader, known);
      break;
    default:
      known = false;
  }
  return known && reader.finished() ? std::optional(reply) : std::nullopt;
}

}  // namespace agent::launcher
