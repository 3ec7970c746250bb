#include "agent/backends/github_generation.hpp"

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/little_endian.hpp"

namespace agent::backends {

namespace {

constexpr std::string_view k_magic = "HRTHLINE";
constexpr std::uint32_t k_version = 1;
constexpr std::size_t k_digits = 10;
constexpr std::size_t k_line_digits = 16;
constexpr std::string_view k_decimal = "0123456789";

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= k_digits &&
         text.find_first_not_of(k_decimal) == std::string_view::npos;
}

std::vector<std::uint64_t> last_of(const std::vector<std::uint64_t>& numbers) {
  const auto kept = std::min(numbers.size(), k_most_skipped);
  return {numbers.end() - static_cast<std::ptrdiff_t>(kept), numbers.end()};
}

bool ascends(const std::vector<std::uint64_t>& numbers) {
  return std::ranges::adjacent_find(numbers, std::greater_equal<>()) == numbers.end();
}

}  // namespace

std::string generation_key(std::string_view name, std::uint64_t number) {
  return fmt::format("{}/{:010}.", name, number);
}

std::optional<std::uint64_t> generation_of(std::string_view name, std::string_view key) {
  if (key.size() != name.size() + k_digits + 2 || !key.starts_with(name) || key[name.size()] != '/' ||
      !key.ends_with('.')) {
    return std::nullopt;
  }
  const auto digits = key.substr(name.size() + 1, k_digits);
  const auto number = is_number(digits) ? parse_number(digits, "generation").value_or(0) : 0;
  return number > 0 ? std::optional(number) : std::nullopt;
}

bool Generation::skips(std::uint64_t other) const {
  return number > other + k_most_skipped || std::ranges::find(skipped, other) != skipped.end();
}

std::string encode_generation(const Generation& generation) {
  const auto skipped = last_of(generation.skipped);
  std::string bytes(k_magic);
  bytes.reserve(k_generation_header_bytes + generation.content.size());
  io::append_le(bytes, k_version);
  io::append_le(bytes, static_cast<std::uint32_t>(skipped.size()));
  io::append_le(bytes, generation.number);
  io::append_le(bytes, generation.base);
  for (std::size_t i = 0; i < k_most_skipped; ++i) {
    io::append_le(bytes, i < skipped.size() ? skipped[i] : std::uint64_t{0});
  }
  const auto digest = io::sha256(io::bytes_of(generation.content));
  bytes.append(io::text_of(std::as_bytes(std::span(digest.bytes))));
  return bytes + generation.content;
}

Result<Generation> parse_generation(std::string_view bytes) {
  io::ByteReader reader(io::bytes_of(bytes));
  const bool ours = reader.text(k_magic.size()) == k_magic;
  const auto version = reader.number<std::uint32_t>();
  if (ours && reader.ok() && version > k_version) {
    return fail(Errc::unsupported, "format {} is newer than this program", version);
  }
  const auto count = reader.number<std::uint32_t>();
  Generation generation{.number = reader.number<std::uint64_t>(),
                        .base = reader.number<std::uint64_t>(),
                        .skipped = {},
                        .digest = {},
                        .content = {}};
  for (std::size_t i = 0; i < k_most_skipped; ++i) {
    const auto number = reader.number<std::uint64_t>();
    if (i < count) {
      generation.skipped.push_back(number);
    }
  }
  const auto digest = reader.take(generation.digest.bytes.size());
  if (!ours || !reader.ok() || version != k_version || count > k_most_skipped || generation.number == 0 ||
      generation.number > k_last_generation || generation.base >= generation.number ||
      !ascends(generation.skipped) ||
      (!generation.skipped.empty() && generation.skipped.back() >= generation.number)) {
    return fail(Errc::corrupt, "not a generation of a pointer");
  }
  generation.content = std::string(io::text_of(reader.left()));
  generation.digest = io::sha256(io::bytes_of(generation.content));
  if (!std::ranges::equal(std::as_bytes(std::span(generation.digest.bytes)), digest)) {
    return fail(Errc::corrupt, "the bytes do not match their digest");
  }
  return generation;
}

std::string line_of(std::string_view name) {
  return io::sha256(io::bytes_of(name)).hex().substr(0, k_line_digits);
}

std::string encode_token(const GenerationToken& token) {
  std::string text = fmt::format("{}-{}-{}-{}", token.line, token.head, token.next, token.digest.hex());
  for (const auto number : last_of(token.skipped)) {
    text += fmt::format("-{}", number);
  }
  return text;
}

Result<GenerationToken> parse_token(std::string_view text) {
  const auto parts = split(text, '-');
  constexpr std::size_t k_fixed = 4;
  const auto wrong = fail(Errc::invalid, "'{}' is no version of an object in GitHub's cache", text);
  if (parts.size() < k_fixed || parts.size() > k_fixed + k_most_skipped) {
    return wrong;
  }
  const auto digest = Digest::from_hex(parts[3]);
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (i != 3) {
      if (!is_number(parts[i])) {
        return wrong;
      }
      numbers.push_back(parse_number(parts[i], "generation").value_or(0));
    }
  }
  if (!digest || numbers[0] >= numbers[1]) {
    return wrong;
  }
  return GenerationToken{.line = std::string(parts[0]),
                         .head = numbers[0],
                         .next = numbers[1],
                         .digest = *digest,
                         .skipped = {numbers.begin() + 2, numbers.end()}};
}

}  // namespace agent::backends
