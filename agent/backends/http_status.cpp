#include "agent/backends/http_status.hpp"

#include <algorithm>
#include <array>

#include "agent/core/text.hpp"
#include "agent/net/http_syntax.hpp"

namespace agent::backends {

namespace {

constexpr std::chrono::milliseconds k_longest_wait = std::chrono::hours(1);

std::string_view usual_way_out(Errc code, int status) {
  switch (code) {
    case Errc::denied:
      return status == 401 || status == 407
                 ? "check the credentials"
                 : "check the credentials and what they may do, or use the mode read-only";
    case Errc::full:
      return "free space there";
    case Errc::invalid:
      return status / 100 == 3 ? "use the URL it redirects to" : status == 404 ? "check the URL" : "";
    default:
      return "";
  }
}

// A number of exactly `digits` digits at `at`.
std::optional<unsigned> number_at(std::string_view text, std::size_t at, std::size_t digits) {
  const auto number = net::parse_length(text.substr(at, digits));
  return number ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
}

std::optional<unsigned> month_of(std::string_view name) {
  constexpr std::array<std::string_view, 12> k_months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto* const found = std::ranges::find(k_months, name);
  return found == k_months.end() ? std::nullopt
                                 : std::optional(static_cast<unsigned>(found - k_months.begin()) + 1);
}

}  // namespace

Errc code_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return Errc::denied;
    case 408:
    case 425:
    case 429:
      return Errc::transient;
    case 409:
    case 412:
    case 423:
      return Errc::conflict;
    case 405:
    case 501:
    case 505:
      return Errc::unsupported;
    case 507:
      return Errc::full;
    default:
      return status / 100 == 5 ? Errc::transient : Errc::invalid;
  }
}

std::optional<Wall> parse_http_date(std::string_view text) {
  constexpr std::string_view k_shape = "Sun, 06 Nov 1994 08:49:37 GMT";
  const auto same_kind = [](char have, char want) {
    const bool digit = want >= '0' && want <= '9';
    const bool letter = (want >= 'A' && want <= 'Z') || (want >= 'a' && want <= 'z');
    return digit ? have >= '0' && have <= '9' : letter || have == want;
  };
  if (text.size() != k_shape.size() || !std::ranges::equal(text, k_shape, same_kind)) {
    return std::nullopt;
  }
  const auto month = month_of(text.substr(8, 3));
  const auto hour = *number_at(text, 17, 2);
  const auto minute = *number_at(text, 20, 2);
  const auto second = *number_at(text, 23, 2);
  if (!month || !text.ends_with("GMT") || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(*number_at(text, 12, 4))),
                                        std::chrono::month(*month), std::chrono::day(*number_at(text, 5, 2))};
  if (!day.ok()) {
    return std::nullopt;
  }
  return std::chrono::sys_days(day) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::optional<std::chrono::milliseconds> retry_after_of(const net::Headers& headers, Wall now) {
  const auto text = trimmed(headers.get("Retry-After"));
  std::chrono::milliseconds wait{0};
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    const auto seconds = net::parse_length(text).value_or(~std::uint64_t{0});
    wait = std::chrono::seconds(std::min<std::uint64_t>(seconds, k_longest_wait / std::chrono::seconds(1)));
  } else if (const auto date = parse_http_date(text)) {
    wait = std::chrono::ceil<std::chrono::milliseconds>(*date - now);
  } else {
    return std::nullopt;
  }
  return std::clamp(wait, std::chrono::milliseconds(0), k_longest_wait);
}

std::string excerpt_of(std::string_view body) {
  constexpr std::size_t k_shown = 200;
  constexpr std::string_view k_ends_url = " \t\r\n\"'<>";
  std::string shown;
  bool in_query = false;
  for (const char letter : trimmed(body)) {
    if (shown.size() >= k_shown) {
      return shown + "...";
    }
    in_query = in_query && !k_ends_url.contains(letter);
    if (in_query) {
      continue;
    }
    const bool printable = letter > ' ' && letter <= '~';
    if (printable || !shown.ends_with(' ')) {
      shown += printable ? letter : ' ';
    }
    if (letter == '?') {
      shown += "...";
      in_query = true;
    }
  }
  return shown;
}

Error error_of_answer(const FailedCall& call, const net::ClientResponse& answer, Wall now) {
  Error error{.code = code_of_status(answer.status), .message = {}};
  const auto detail = call.detail.empty() ? excerpt_of(answer.body) : std::string(call.detail);
  const auto reason = detail.empty() ? std::string(net::reason_of(answer.status)) : detail;
  const auto way_out = call.way_out.empty() ? usual_way_out(error.code, answer.status) : call.way_out;
  error.message = fmt::format("{} at {}: {}: {}{}{}", call.operation, call.where, answer.status, reason,
                              way_out.empty() ? "" : "; ", way_out);
  if (error.code == Errc::transient) {
    error.retry_after = retry_after_of(answer.headers, now);
    if (!error.retry_after && answer.status == 429) {
      error.retry_after = std::chrono::seconds(1);
    }
  }
  return error;
}

}  // namespace agent::backends
