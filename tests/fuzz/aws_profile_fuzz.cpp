// A profile's file of any bytes gives settings or a line number, and what it gives comes from the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/backends/aws_profile.hpp"
#include "agent/backends/s3_credentials.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using agent::backends::AwsFile;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto kind : {AwsFile::credentials, AwsFile::config}) {
    const auto profile = agent::backends::parse_aws_profile(text, kind, "default");
    if (!profile && !profile.error().message.contains("line ")) {
      std::abort();
    }
    for (const auto& [name, value] : profile.value_or(agent::backends::AwsProfile())) {
      if (!text.contains(value) || name.contains('=')) {
        std::abort();
      }
    }
  }
  agent::backends::parse_iso_time(text);
  return 0;
}
