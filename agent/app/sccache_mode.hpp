// How a job's sccache reaches the tag, and which way a tag is used (docs/architecture.md, "Two modes of
// sccache").
// Values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"

namespace agent::app {

enum class SccacheMode : std::uint8_t {
  proxy,      // over HTTP from the agent: every language, nothing to fill
  disk,       // from a private SCCACHE_DIR filled before the build: direct mode for C and C++
  automatic,  // what the tag was last used with, as far as it fits
};

// "proxy", "disk", "auto".
std::string_view name_of(SccacheMode mode);

// The inverse. Errors: invalid, quoting the text and listing what is allowed.
Result<SccacheMode> parse_sccache_mode(std::string_view text);

// sccache's keys for C differ between the modes, so each has a namespace in the tag: this one, and that of
// folders::sccache_folder().
constexpr std::string_view k_proxy_namespace = "sccache/";

// The tag's ModeRecord. No entry of sccache's has such a name.
constexpr std::string_view k_mode_key = "sccache-direct/.mode";
constexpr std::size_t k_max_mode_record = 4096;

// What a tag was last used with. The checkout's path counts because direct mode depends on it.
struct ModeRecord {
  SccacheMode mode = SccacheMode::proxy;  // never automatic
  std::string checkout;                   // checkout_digest
  bool operator==(const ModeRecord&) const = default;
};

// The first sixteen hexadecimal digits of the SHA-256 of the path that the build steps see.
std::string checkout_digest(std::string_view path);

// JSON (docs/formats.md, "Mode of a tag").
std::string to_text(const ModeRecord& record);
// Errors: invalid; unsupported (of a later version).
Result<ModeRecord> parse_mode_record(std::string_view text);

struct ModeFacts {
  SccacheMode requested = SccacheMode::automatic;
  std::optional<ModeRecord> recorded;  // by the tag
  bool tag_is_empty = true;            // it holds nothing at all
  bool tag_has_mode = false;           // it holds objects of the mode that is requested
  std::string checkout;                // checkout_digest of this job's
  bool room = true;                    // the disk has room for what would be filled in
};

struct ModeChoice {
  SccacheMode mode = SccacheMode::proxy;  // never automatic
  std::string note;                       // for the summary; empty where all is as last time
  std::optional<ModeRecord> record;       // to be put into the tag; empty: it says so already
};

// The mode is sticky: `automatic` never changes what the tag records, and a change is announced, as the cold
// start that it mostly is.
ModeChoice choose_mode(const ModeFacts& facts);

}  // namespace agent::app
