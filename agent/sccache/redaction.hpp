// Text of builds without the credentials in it: for records, summaries, bundles and logs. It goes by names
// that say secret, by where credentials stand in URLs, and by the forms of known tokens; when in doubt it
// hides. Pure; safe from any thread; linear in the text.
#pragma once

#include <string>
#include <string_view>

namespace agent::sccache {

// Whether what carries this name is a credential: "CARGO_REGISTRY_TOKEN", "AES_KEY", "x-api-key". Names of
// cache keys are none.
bool is_secret_name(std::string_view name);

// "(hidden)" in place of user names, queries and passwords of URLs, what follows "Bearer" and the like,
// GitHub's and AWS's tokens, and the values of options, assignments and members whose names say secret.
std::string without_secrets(std::string_view text);

}  // namespace agent::sccache
