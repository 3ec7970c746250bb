// The files ~/.aws/credentials and ~/.aws/config: what a named profile says. Free functions; safe from any
// thread. Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files", read 2026-11.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agent/backends/object_storage.hpp"
#include "agent/core/result.hpp"

namespace agent::backends {

using AwsProfile = std::map<std::string, std::string, std::less<>>;  // setting -> value

enum class AwsFile : unsigned char { credentials, config };  // "[name]"; "[profile name]" or "[default]"

// One profile of a file's text; empty where the file does not have it. Settings of other shapes (nested ones,
// sections of other kinds) are passed over. Errors: invalid (a line that is none of these), naming the line.
Result<AwsProfile> parse_aws_profile(std::string_view text, AwsFile kind, std::string_view name);

// The profile's settings from both files, those of the credentials file first. The files are where
// AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE say, or in $HOME/.aws; missing ones are empty.
// Errors: invalid, denied, io, naming the file.
Result<AwsProfile> read_aws_profile(const Variables& variables, std::string_view name);

// `wanted`, else AWS_PROFILE, else "default".
std::string aws_profile_name(const Variables& variables, std::string_view wanted);

}  // namespace agent::backends
