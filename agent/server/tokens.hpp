// Who may do what: bearer tokens, kept in the storage as SHA-256 of their secret part, so that reading the
// storage gives nobody one. A token is "hrt_<id>_<secret>"; the administrator's own is any text from a file.
// Thread-safe; calls block on the storage. What was read is believed for two seconds, so that a revoked token
// is refused that much later on other replicas. Errors: those of the storage, corrupt, unsupported.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backends/object_storage.hpp"
#include "agent/core/clock.hpp"
#include "agent/core/guarded.hpp"
#include "agent/core/result.hpp"
#include "agent/core/secret.hpp"
#include "agent/server/records.hpp"

namespace agent::server {

// What a request may do.
struct Grant {
  Token token;           // of the administrator: only a name and a level
  bool is_root = false;  // the administrator: every workspace

  // For records and the audit log: "t_0123… name".
  std::string who() const;
  bool reaches(const Workspace& workspace) const;
  bool may(Level level) const { return token.level >= level; }

  // Whether it may publish and delete this tag.
  bool may_write(std::string_view tag) const;
};

struct NewToken {
  std::string name;
  std::string workspace;
  Level level = Level::restore;
  std::vector<std::string> write_tag_prefixes;
  std::optional<std::chrono::seconds> lifetime;  // empty: it does not end
};

// A token and the text that is shown once.
struct IssuedToken {
  Token token;
  Secret text;
};

class Tokens final {
public:
  // `root`: the administrator's; empty: there is none, and nobody gets in without a token in the storage.
  Tokens(backends::ObjectStorage& storage, const Clock& clock, Secret root)
      : storage_(storage), clock_(clock), root_(std::move(root)) {}

  // Empty: unknown, expired or revoked.
  Result<std::optional<Grant>> check(std::string_view text);

  Result<IssuedToken> create(const NewToken& wanted);
  Result<std::vector<Token>> list(const Workspace& workspace);
  Result<std::optional<Token>> find(const Workspace& workspace, std::string_view id);

  // Empty where the workspace has no such token.
  Result<std::optional<Token>> revoke(const Workspace& workspace, std::string_view id);

  // The same token with a new secret; the old one ends now. Not for revoked ones: empty.
  Result<std::optional<IssuedToken>> rotate(const Workspace& workspace, std::string_view id);

private:
  struct Known {
    std::optional<Token> token;
    Steady read{};
  };

  Result<std::optional<Token>> known(std::string_view id);
  void forget(std::string_view id);
  Result<std::optional<Token>> change(const Workspace& workspace, std::string_view id,
                                      const std::function<bool(Token&)>& edit);

  backends::ObjectStorage& storage_;
  const Clock& clock_;
  Secret root_;
  Guarded<std::map<std::string, Known, std::less<>>> known_;
};

}  // namespace agent::server
