#include "agent/server/tokens.hpp"

#include <algorithm>

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/random.hpp"
#include "agent/server/tags.hpp"

namespace agent::server {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view k_prefix = "hrt_";
constexpr std::size_t k_id_size = 26;
constexpr std::size_t k_secret_bytes = 24;
constexpr std::size_t k_most_known = 10'000;
constexpr auto k_believed = 2s;
constexpr int k_most_rounds = 16;

std::string digest_of(std::string_view secret) {
  return io::sha256(io::bytes_of(secret)).hex();
}

struct Parts {
  std::string_view id;
  std::string_view secret;
};

std::optional<Parts> parse(std::string_view text) {
  if (!text.starts_with(k_prefix) || text.size() < k_prefix.size() + k_id_size + 2 ||
      text[k_prefix.size() + k_id_size] != '_') {
    return std::nullopt;
  }
  const auto id = text.substr(k_prefix.size(), k_id_size);
  return is_id(id, 't')
             ? std::optional(Parts{.id = id, .secret = text.substr(k_prefix.size() + k_id_size + 1)})
             : std::nullopt;
}

Result<Secret> give_secret(Token& token) {
  AGENT_TRY(const auto secret, io::random_hex(k_secret_bytes));
  token.secret_sha256 = digest_of(secret);
  return Secret(fmt::format("{}{}_{}", k_prefix, token.id, secret));
}

}  // namespace

std::string Grant::who() const {
  return is_root ? token.name : fmt::format("{} {}", token.id, token.name);
}

bool Grant::reaches(const Workspace& workspace) const {
  return is_root || token.workspace == workspace.slug();
}

bool Grant::may_write(std::string_view tag) const {
  if (!may(Level::save)) {
    return false;
  }
  const auto& prefixes = token.write_tag_prefixes;
  return prefixes.empty() ||
         std::ranges::any_of(prefixes, [&](const auto& prefix) { return tag.starts_with(prefix); });
}

Result<std::optional<Grant>> Tokens::check(std::string_view text) {
  // Digests are compared, in constant time: neither the place of a difference nor a length shows.
  if (!root_.empty() && Secret(digest_of(root_.reveal())).equals(digest_of(text))) {
    Token root;
    root.name = "administrator";
    root.level = Level::admin;
    return Grant{.token = std::move(root), .is_root = true};
  }
  const auto parts = parse(text);
  if (!parts) {
    return std::nullopt;
  }
  AGENT_TRY(auto token, known(parts->id));
  if (!token || !Secret(token->secret_sha256).equals(digest_of(parts->secret)) || token->is_revoked ||
      (token->expires_ms && *token->expires_ms <= milliseconds_of(clock_.wall()))) {
    return std::nullopt;
  }
  return Grant{.token = *std::move(token), .is_root = false};
}

Result<std::optional<Token>> Tokens::known(std::string_view id) {
  const auto now = clock_.now();
  const auto cached = known_.with([&](const auto& known) -> std::optional<Known> {
    const auto found = known.find(id);
    return found != known.end() && found->second.read + k_believed > now ? std::optional(found->second)
                                                                         : std::nullopt;
  });
  if (cached) {
    return cached->token;
  }
  AGENT_TRY(const auto object, storage_.read(token_object(id)));
  std::optional<Token> token;
  if (object) {
    AGENT_TRY(token, parse_token(object->content));
  }
  known_.with([&](auto& known) {
    if (known.size() >= k_most_known) {  // guessed ids may not fill the memory
      known.clear();
    }
    known.insert_or_assign(std::string(id), Known{.token = token, .read = now});
  });
  return token;
}

void Tokens::forget(std::string_view id) {
  known_.with([&](auto& known) {
    if (const auto found = known.find(id); found != known.end()) {
      known.erase(found);
    }
  });
}

Result<IssuedToken> Tokens::create(const NewToken& wanted) {
  const auto now = clock_.wall();
  Token token;
  token.id = random_id('t');
  token.name = wanted.name;
  token.workspace = wanted.workspace;
  token.level = wanted.level;
  token.write_tag_prefixes = wanted.write_tag_prefixes;
  token.created_ms = milliseconds_of(now);
  if (wanted.lifetime) {
    token.expires_ms = milliseconds_of(now + *wanted.lifetime);
  }
  AGENT_TRY(auto text, give_secret(token));
  AGENT_CHECK(storage_.compare_and_swap(token_object(token.id), std::nullopt, encode(token)));
  forget(token.id);
  return IssuedToken{.token = std::move(token), .text = std::move(text)};
}

Result<std::vector<Token>> Tokens::list(const Workspace& workspace) {
  AGENT_TRY(const auto objects, storage_.list(k_tokens_prefix));
  std::vector<Token> tokens;
  for (const auto& object : objects) {
    AGENT_TRY(const auto content, storage_.read(object.name));
    if (!content) {
      continue;
    }
    AGENT_TRY(auto token, parse_token(content->content));
    if (token.workspace == workspace.slug()) {
      tokens.push_back(std::move(token));
    }
  }
  std::ranges::sort(tokens, {}, [](const Token& token) { return std::pair(token.created_ms, token.id); });
  return tokens;
}

Result<std::optional<Token>> Tokens::find(const Workspace& workspace, std::string_view id) {
  return change(workspace, id, [](const Token&) { return false; });
}

Result<std::optional<Token>> Tokens::change(const Workspace& workspace, std::string_view id,
                                            const std::function<bool(Token&)>& edit) {
  if (!is_id(id, 't')) {
    return std::nullopt;
  }
  const auto object = token_object(id);
  for (int round = 0; round < k_most_rounds; ++round) {
    AGENT_TRY(const auto current, storage_.read(object));
    if (!current) {
      return std::nullopt;
    }
    AGENT_TRY(auto token, parse_token(current->content));
    if (token.workspace != workspace.slug()) {
      return std::nullopt;
    }
    if (!edit(token)) {
      return std::optional(std::move(token));
    }
    const auto swapped = storage_.compare_and_swap(object, current->version, encode(token));
    if (swapped) {
      forget(id);
      return std::optional(std::move(token));
    }
    if (swapped.error().code != Errc::conflict) {
      return std::unexpected(swapped.error());
    }
  }
  return fail(Errc::conflict, "token {}: others keep changing it", id);
}

Result<std::optional<Token>> Tokens::revoke(const Workspace& workspace, std::string_view id) {
  return change(workspace, id, [](Token& token) { return !std::exchange(token.is_revoked, true); });
}

Result<std::optional<IssuedToken>> Tokens::rotate(const Workspace& workspace, std::string_view id) {
  Token fresh;
  fresh.id = id;
  AGENT_TRY(auto text, give_secret(fresh));
  AGENT_TRY(auto token, change(workspace, id, [&](Token& current) {
              current.secret_sha256 = fresh.secret_sha256;
              return !current.is_revoked;
            }));
  if (!token || token->is_revoked) {
    return std::nullopt;
  }
  return std::optional(IssuedToken{.token = *std::move(token), .text = std::move(text)});
}

}  // namespace agent::server
