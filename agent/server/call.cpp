#include "agent/server/call.hpp"

#include "agent/core/text.hpp"

namespace agent::server {

Answer refusal(int status, std::string_view code, std::string_view text) {
  return {.status = status, .body = io::JsonObject{{"error", text}, {"code", code}, {"success", false}}};
}

Answer answer_of(const Error& error) {
  switch (error.code) {
    case Errc::invalid:
      return refusal(400, "invalid_request", error.message);
    case Errc::conflict:
      return refusal(409, "conflict", error.message);
    case Errc::not_found:
      return refusal(404, "not_found", error.message);
    case Errc::full:
      return refusal(507, "storage_full", error.message);
    case Errc::transient:
    case Errc::cancelled: {
      auto answer = refusal(503, "storage_unavailable", error.message);
      const auto wait = error.retry_after.value_or(std::chrono::seconds(1));
      answer.headers.emplace_back("Retry-After",
                                  std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()));
      return answer;
    }
    default:
      return refusal(500, name_of(error.code), error.message);
  }
}

std::string time_text(std::uint64_t milliseconds_since_1970) {
  return utc_text(Wall(std::chrono::milliseconds(milliseconds_since_1970)));
}

}  // namespace agent::server
