#include "agent/backends/github_breaker.hpp"

#include <algorithm>

#include "agent/backends/github_answers.hpp"
#include "agent/backends/http_status.hpp"
#include "agent/core/text.hpp"

namespace agent::backends {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds k_unnamed_wait{10};  // of a 429 that does not say when
constexpr int k_too_many = 429;
constexpr int k_bad_gateway = 502;

bool is_limit(const net::ClientResponse& answer) {
  return answer.status == k_too_many ||
         (answer.status >= 400 && parse_twirp_error(answer.body).code == "resource_exhausted");
}

milliseconds gateway_wait(unsigned in_a_row) {
  constexpr unsigned k_most_doublings = 5;
  return seconds(1) * (1U << std::min(in_a_row - 1, k_most_doublings));
}

}  // namespace

Result<void> ServiceBreaker::admit(CallKind kind) const {
  const auto now = clock_.now();
  const auto line = lines_.with([&](const auto& lines) { return lines[static_cast<std::size_t>(kind)]; });
  if (line.until <= now) {
    return {};
  }
  const auto left = std::chrono::ceil<milliseconds>(line.until - now);
  auto refused = fail(Errc::transient, "not asked: the service {}, the next call is in {}",
                      line.limited ? "limits this repository's rate" : "answers 502", human_duration(left));
  if (line.limited) {
    refused.error().retry_after = left;
  }
  return refused;
}

void ServiceBreaker::note(CallKind kind, const net::ClientResponse& answer) {
  const auto now = clock_.now();
  if (is_limit(answer)) {
    const auto wait = retry_after_of(answer.headers, clock_.wall()).value_or(k_unnamed_wait);
    lines_.with([&](auto& lines) {
      auto& line = lines[static_cast<std::size_t>(kind)];
      line.until = std::max(line.until, now + wait);
      line.limited = true;
    });
    return;
  }
  lines_.with([&](auto& lines) {
    auto& line = lines[static_cast<std::size_t>(kind)];
    if (answer.status != k_bad_gateway) {
      line.bad_gateways = 0;
      return;
    }
    ++line.bad_gateways;
    const unsigned patience = kind == CallKind::write ? 0 : 2;
    if (line.bad_gateways > patience) {
      line.until = std::max(line.until, now + gateway_wait(line.bad_gateways - patience));
      line.limited = false;
    }
  });
}

}  // namespace agent::backends
