#include "agent/backends/aws_profile.hpp"

#include "agent/core/text.hpp"
#include "agent/io/file.hpp"

namespace agent::backends {

namespace {

// "[name]", "[profile name]": the profile it begins; empty for sections of other kinds.
std::string profile_of_section(std::string_view section, AwsFile kind) {
  auto title = trimmed(section);
  if (kind == AwsFile::credentials || title == "default") {
    return std::string(title);
  }
  constexpr std::string_view k_profile = "profile";
  if (!title.starts_with(k_profile)) {
    return {};
  }
  title.remove_prefix(k_profile.size());
  const bool separated = title.starts_with(' ') || title.starts_with('\t');
  return separated ? std::string(trimmed(title)) : std::string();
}

bool is_comment(std::string_view line) {
  return line.empty() || line.starts_with('#') || line.starts_with(';');
}

Result<AwsProfile> profile_in(const Variables& variables, const char* variable, AwsFile kind,
                              std::string_view name) {
  constexpr std::uint64_t k_file_bytes = std::uint64_t{1} << 20U;
  io::fs::path path = variables(variable);
  if (path.empty()) {
    const auto home = variables("HOME");
    if (home.empty()) {
      return AwsProfile{};
    }
    path = io::fs::path(home) / ".aws" / (kind == AwsFile::credentials ? "credentials" : "config");
  }
  auto text = io::read_file(path, k_file_bytes);
  if (!text) {
    return text.error().code == Errc::not_found ? Result<AwsProfile>()
                                                : std::unexpected(std::move(text).error());
  }
  auto profile = parse_aws_profile(*text, kind, name);
  if (!profile) {
    return with_context(path.string(), std::move(profile).error());
  }
  return profile;
}

}  // namespace

Result<AwsProfile> parse_aws_profile(std::string_view text, AwsFile kind, std::string_view name) {
  AwsProfile profile;
  bool inside = false;
  std::size_t number = 0;
  for (const auto raw : split(text, '\n')) {
    ++number;
    const bool nested = raw.starts_with(' ') || raw.starts_with('\t');
    const auto line = trimmed(raw);
    if (is_comment(line) || (nested && !line.starts_with('['))) {
      continue;
    }
    if (line.starts_with('[')) {
      const auto end = line.find(']');
      if (end == std::string_view::npos) {
        return fail(Errc::invalid, "line {}: a section must end with ']'", number);
      }
      inside = profile_of_section(line.substr(1, end - 1), kind) == name;
      continue;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      return fail(Errc::invalid, "line {}: neither a section nor a setting", number);
    }
    if (inside) {
      profile.insert_or_assign(lowered(trimmed(line.substr(0, equals))),
                               std::string(trimmed(line.substr(equals + 1))));
    }
  }
  return profile;
}

Result<AwsProfile> read_aws_profile(const Variables& variables, std::string_view name) {
  AGENT_TRY(auto profile, profile_in(variables, "AWS_SHARED_CREDENTIALS_FILE", AwsFile::credentials, name));
  AGENT_TRY(auto config, profile_in(variables, "AWS_CONFIG_FILE", AwsFile::config, name));
  profile.merge(config);
  return profile;
}

std::string aws_profile_name(const Variables& variables, std::string_view wanted) {
  if (!wanted.empty()) {
    return std::string(wanted);
  }
  auto named = variables("AWS_PROFILE");
  return named.empty() ? "default" : named;
}

}  // namespace agent::backends
