#include "agent/sccache/redaction.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "agent/core/text.hpp"

namespace agent::sccache {

namespace {

constexpr std::string_view k_hidden = "(hidden)";
constexpr auto npos = std::string_view::npos;

// Parts of names that credentials have, without separators.
constexpr std::array<std::string_view, 11> k_secret_words = {
    "token",  "secret",     "password",  "passwd",    "passphrase",      "credential",
    "apikey", "accountkey", "accesskey", "signature", "connectionstring"};

// "AES_KEY" is a secret; what these name is not.
constexpr std::array<std::string_view, 6> k_open_keys = {"cachekey",   "restorekey", "publickey",
                                                         "primarykey", "objectkey",  "matchedkey"};

constexpr std::array<std::string_view, 5> k_schemes = {"bearer", "basic", "token", "digest", "apikey"};

// How credentials begin that are known by their form: GitHub's and AWS's.
constexpr std::array<std::string_view, 9> k_secret_forms = {"ghp_",        "gho_", "ghs_", "ghu_", "ghr_",
                                                            "github_pat_", "AKIA", "ASIA", "eyJ"};

bool is_space(char letter) {
  return std::isspace(static_cast<unsigned char>(letter)) != 0;
}
bool is_quote(char letter) {
  return letter == '"' || letter == '\'' || letter == '`' || letter == '<' || letter == '>';
}
bool ends_word(char letter) {
  return is_space(letter) || is_quote(letter) || std::string_view(",;()[]{}&").find(letter) != npos;
}

template <typename Ends>
std::size_t end_of(std::string_view text, std::size_t from, Ends ends) {
  const auto end = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), ends);
  return static_cast<std::size_t>(end - text.begin());
}

// A password may hold whatever does not end the string that it stands in.
std::size_t secret_end(std::string_view text, std::size_t from) {
  auto end = end_of(text, from, [](char letter) { return is_space(letter) || is_quote(letter); });
  while (end > from && std::string_view(",;)]}").find(text[end - 1]) != npos) {
    --end;
  }
  return end;
}

// "scheme://user:password@host" loses what stands before the @, and every query.
std::string without_url_secrets(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  while (true) {
    const auto scheme = text.find("://", at);
    if (scheme == npos) {
      break;
    }
    const auto begin = scheme + 3;
    const auto end = end_of(text, begin, [](char letter) { return is_space(letter) || is_quote(letter); });
    out += text.substr(at, begin - at);
    auto path = begin + std::min(text.substr(begin, end - begin).find_first_of("/?#"), end - begin);
    const auto authority = text.substr(begin, path - begin);
    const auto user = authority.rfind('@');
    if (user != npos) {
      out += k_hidden;
    }
    if (authority.ends_with(':') && text.substr(path).starts_with("//")) {
      --path;  // of a list: what looks like a port is the next URL's scheme
    }
    const auto host = user == npos ? begin : begin + user;
    const auto tail = text.substr(path, end - path);
    const auto query = tail.find('?');
    at = path;
    if (query < tail.find("://")) {
      out += text.substr(host, path + query + 1 - host);
      out += k_hidden;
      at = end;
    } else {
      out += text.substr(host, path - host);
    }
  }
  out += text.substr(at);
  return out;
}

// "joe:sesame@proxy:3128": where the @ is, if that is what the word is.
std::optional<std::size_t> user_end(std::string_view word) {
  const auto user = word.rfind('@');
  if (user == npos) {
    return std::nullopt;
  }
  const auto before = word.substr(0, user);
  const bool has_password = before.find(':') != npos && !before.ends_with(':');
  const bool is_url = before.find("//") != npos;  // those were gone through before
  const bool is_image = word.substr(user + 1).starts_with("sha256:");
  return has_password && !is_url && !is_image ? std::optional(user) : std::nullopt;
}

bool has_secret_form(std::string_view value) {
  return std::ranges::any_of(
      k_secret_forms, [&](std::string_view form) { return value.starts_with(form) && value.size() > 12; });
}

bool is_scheme(std::string_view word) {
  return std::ranges::any_of(k_schemes,
                             [&](std::string_view scheme) { return equals_ignoring_case(word, scheme); });
}

// What the next word is, by what stands before it.
enum class Next : std::uint8_t {
  plain,
  after_name,   // a name that says secret: hidden behind "=" or ":"
  credentials,  // hidden, but for a scheme in front
  secret,
};

bool is_sign(std::string_view word) {
  return word == "=" || word == ":" || word == ":=" || word == "=>";
}

class Words final {
public:
  explicit Words(std::string_view text) : text_(text) {}

  std::string without_secrets() && {
    while (at_ < text_.size()) {
      if (ends_word(text_[at_])) {
        out_ += text_[at_++];
        continue;
      }
      take(text_.substr(at_, end_of(text_, at_, ends_word) - at_));
    }
    return std::move(out_);
  }

private:
  void keep(std::string_view word, Next next) {
    out_ += word;
    at_ += word.size();
    next_ = next;
  }
  void hide(std::size_t from) {
    out_ += text_.substr(at_, from - at_);
    out_ += k_hidden;
    at_ = std::max(secret_end(text_, from), from + 1);
    next_ = Next::plain;
  }

  void take(std::string_view word) {
    if (next_ == Next::secret || (next_ == Next::credentials && !is_scheme(word))) {
      hide(at_);
      return;
    }
    if (next_ == Next::credentials) {
      keep(word, Next::secret);
      return;
    }
    if (next_ == Next::after_name && is_sign(word)) {
      keep(word, Next::secret);
      return;
    }
    const auto sign = word.find_first_of("=:");
    const auto name = word.substr(0, sign);
    const bool is_secret = is_secret_name(name);
    const bool is_header = lowered(name).ends_with("authorization");
    if (sign == npos) {
      take_bare(word, is_secret);
    } else if (sign + 1 == word.size()) {
      // A quoted value follows, or one behind a space.
      keep(word, is_header ? Next::credentials : is_secret ? Next::secret : Next::plain);
    } else {
      take_assignment(word, sign, is_secret || is_header);
    }
  }

  void take_bare(std::string_view word, bool is_secret) {
    if (has_secret_form(word)) {
      hide(at_);
      return;
    }
    const bool announces = equals_ignoring_case(word, "bearer") || equals_ignoring_case(word, "basic");
    keep(word, announces ? Next::secret : is_secret ? Next::after_name : Next::plain);
  }

  void take_assignment(std::string_view word, std::size_t sign, bool is_secret) {
    const auto equals = word.find('=');
    const auto value = equals == npos ? 0 : equals + 1;
    if (is_secret || has_secret_form(word.substr(sign + 1))) {
      hide(at_ + sign + 1);
    } else if (const auto user = user_end(word.substr(value))) {
      out_ += word.substr(0, value);
      out_ += k_hidden;
      at_ += value + *user;
      next_ = Next::plain;
    } else {
      keep(word, Next::plain);
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  Next next_ = Next::plain;
};

}  // namespace

bool is_secret_name(std::string_view name) {
  std::string bare = lowered(name);
  const bool has_parts = bare.find_first_of("-_.") != std::string::npos;
  const bool ends_in_key =
      has_parts && (bare.ends_with("_key") || bare.ends_with("-key") || bare.ends_with(".key"));
  const bool is_signature = bare == "sig" || bare.ends_with("_sig") || bare.ends_with("-sig");
  std::erase_if(bare, [](char letter) { return letter == '-' || letter == '_'; });
  const auto has = [&](std::string_view word) { return bare.contains(word); };
  return std::ranges::any_of(k_secret_words, has) || is_signature ||
         (ends_in_key && std::ranges::none_of(k_open_keys, has));
}

std::string without_secrets(std::string_view text) {
  const auto clean = without_url_secrets(text);
  return Words(clean).without_secrets();
}

}  // namespace agent::sccache
