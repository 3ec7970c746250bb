#include "agent/net/http.hpp"

#include <algorithm>

#include "agent/core/text.hpp"

namespace agent::net {

std::string_view Headers::get(std::string_view name) const {
  const auto found = std::ranges::find_if(
      fields_, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
  return found == fields_.end() ? std::string_view{} : std::string_view(found->second);
}

bool Headers::has(std::string_view name) const {
  return std::ranges::any_of(fields_,
                             [&](const auto& field) { return equals_ignoring_case(field.first, name); });
}

void Headers::add(std::string_view name, std::string_view value) {
  fields_.emplace_back(name, value);
}

void Headers::set(std::string_view name, std::string_view value) {
  std::erase_if(fields_, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
  add(name, value);
}

Response text_response(int status, std::string_view text, std::string_view type) {
  Response response{.status = status, .headers = {}, .body = std::string(text)};
  response.headers.set("Content-Type", type);
  return response;
}

}  // namespace agent::net
