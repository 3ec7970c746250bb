#include "agent/net/client_pool.hpp"

#include <optional>
#include <utility>

#include "agent/core/text.hpp"

namespace agent::net {

Result<SplitUrl> split_url(std::string_view url) {
  const auto scheme_end = url.find("://");
  const auto scheme = lowered(url.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end));
  const auto rest = scheme.empty() ? std::string_view{} : url.substr(scheme_end + 3);
  const auto authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  const auto authority = rest.substr(0, authority_end);
  if ((scheme != "http" && scheme != "https") || authority.empty()) {
    return fail(Errc::invalid, "'{}' is no http:// or https:// URL", url.substr(0, url.find('?')));
  }
  auto target = std::string(rest.substr(authority_end));
  if (!target.starts_with('/')) {
    target.insert(0, "/");
  }
  return SplitUrl{.origin = fmt::format("{}://{}", scheme, lowered(authority)), .target = std::move(target)};
}

Result<HttpClient> ClientPool::take(const std::string& origin) {
  const auto find = [&](auto& origins) -> std::optional<HttpClient> {
    const auto found = origins.find(origin);
    if (found == origins.end()) {
      return std::nullopt;
    }
    auto& idle = found->second.idle;
    if (idle.empty()) {
      return found->second.first.another();
    }
    auto client = std::move(idle.back());
    idle.pop_back();
    return client;
  };
  if (auto client = origins_.with(find)) {
    return *std::move(client);
  }
  auto options = options_.client;
  options.proxy = proxy_for(options_.proxies, origin);
  AGENT_TRY(auto first,
            HttpClient::to_url(origin, std::move(options)));  // reads certificates: not under a lock
  auto client = first.another();
  origins_.with(
      [&](auto& origins) { origins.try_emplace(origin, Origin{.first = std::move(first), .idle = {}}); });
  return client;
}

void ClientPool::give_back(const std::string& origin, HttpClient client) {
  origins_.with([&](auto& origins) {
    auto& idle = origins.at(origin).idle;
    if (idle.size() < options_.idle_per_origin) {
      idle.push_back(std::move(client));
    }
  });  // one too many is closed here, after the lock
}

Result<ClientResponse> ClientPool::send(std::string_view url, ClientRequest request) {
  const auto body = std::exchange(request.body, {});
  return send(url, std::move(request), body);
}

Result<ClientResponse> ClientPool::send(std::string_view url, ClientRequest request, std::string_view body) {
  AGENT_TRY(auto split, split_url(url));
  request.target = std::move(split.target);
  AGENT_TRY(auto client, take(split.origin));
  auto answer = client.send(request, body);
  if (answer) {
    give_back(split.origin, std::move(client));
  }
  return answer;
}

}  // namespace agent::net
