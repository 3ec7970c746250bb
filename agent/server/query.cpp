#include "agent/server/query.hpp"

#include <algorithm>

#include "agent/core/text.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::server {

namespace {

std::optional<std::string_view> find_value(std::string_view query, std::string_view name) {
  for (const auto pair : split(query, '&')) {
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) {
      return pair.substr(std::min(equals + 1, pair.size()));
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view query_value(std::string_view query, std::string_view name) {
  return find_value(query, name).value_or(std::string_view());
}

bool has_query(std::string_view query, std::string_view name) {
  return find_value(query, name).has_value();
}

std::string query_text(std::string_view query, std::string_view name) {
  auto text = std::string(query_value(query, name));
  std::ranges::replace(text, '+', ' ');
  return net::percent_decoded(text).value_or(std::string());
}

AskedRange range_of(std::string_view header, std::uint64_t size) {
  constexpr std::string_view k_unit = "bytes=";
  const AskedRange all{.kind = AskedRange::Kind::all, .range = {.offset = 0, .size = size}};
  const AskedRange none{.kind = AskedRange::Kind::unsatisfiable, .range = {}};
  const auto spec = net::without_blanks(header.substr(std::min(k_unit.size(), header.size())));
  const auto dash = spec.find('-');
  if (!equals_ignoring_case(header.substr(0, k_unit.size()), k_unit) || dash == std::string_view::npos ||
      spec.contains(',')) {
    return all;
  }
  const auto first_text = net::without_blanks(spec.substr(0, dash));
  const auto last_text = net::without_blanks(spec.substr(dash + 1));
  const auto first = net::parse_length(first_text);
  const auto last = net::parse_length(last_text);
  if (first_text.empty() && last) {  // the last so many
    const auto count = std::min(*last, size);
    return count == 0
               ? none
               : AskedRange{.kind = AskedRange::Kind::part, .range = {.offset = size - count, .size = count}};
  }
  if (!first || (!last && !last_text.empty()) || (last && *last < *first)) {
    return all;
  }
  if (*first >= size) {
    return none;
  }
  const auto end = last ? std::min(*last, size - 1) : size - 1;
  return {.kind = AskedRange::Kind::part, .range = {.offset = *first, .size = end - *first + 1}};
}

}  // namespace agent::server
