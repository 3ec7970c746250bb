#include "agent/app/sccache_mode.hpp"

#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/json.hpp"

namespace agent::app {

namespace {

constexpr std::int64_t k_schema = 1;
constexpr std::size_t k_digest_digits = 16;

ModeChoice choose_automatically(const ModeFacts& facts) {
  const auto& recorded = facts.recorded;
  if (!recorded || recorded->mode != SccacheMode::disk) {
    return {};
  }
  if (recorded->checkout != facts.checkout) {
    return {.mode = SccacheMode::proxy,
            .note =
                "sccache-mode auto: proxy, because the tag was filled from a checkout at another path and "
                "direct mode depends on it",
            .record = {}};
  }
  if (!facts.room) {
    return {.mode = SccacheMode::proxy,
            .note =
                "sccache-mode auto: proxy, because the disk has no room for what the tag holds in disk "
                "mode",
            .record = {}};
  }
  return {.mode = SccacheMode::disk, .note = {}, .record = {}};
}

std::string note_on_change(const ModeFacts& facts, SccacheMode before) {
  if (facts.tag_is_empty) {
    return {};
  }
  if (before != facts.requested) {
    return fmt::format("sccache-mode is {} now, the tag was last used in mode {}{}", name_of(facts.requested),
                       name_of(before), facts.tag_has_mode ? "" : ": a cold start");
  }
  return "the tag was filled from a checkout at another path, and direct mode depends on it: a cold start "
         "for "
         "C and C++";
}

}  // namespace

std::string_view name_of(SccacheMode mode) {
  switch (mode) {
    case SccacheMode::proxy:
      return "proxy";
    case SccacheMode::disk:
      return "disk";
    case SccacheMode::automatic:
      return "auto";
  }
  return "unknown";
}

Result<SccacheMode> parse_sccache_mode(std::string_view text) {
  for (const auto mode : {SccacheMode::proxy, SccacheMode::disk, SccacheMode::automatic}) {
    if (text == name_of(mode)) {
      return mode;
    }
  }
  return fail(Errc::invalid, "'{}' is none of proxy, disk, auto", text);
}

std::string checkout_digest(std::string_view path) {
  return io::sha256(io::bytes_of(path)).hex().substr(0, k_digest_digits);
}

std::string to_text(const ModeRecord& record) {
  return io::Json(io::JsonObject{{"schema", k_schema},
                                 {"mode", std::string(name_of(record.mode))},
                                 {"checkout", record.checkout}})
             .dump() +
         "\n";
}

Result<ModeRecord> parse_mode_record(std::string_view text) {
  AGENT_TRY(const auto json, io::parse_json(text, "the tag's sccache mode", {.bytes = k_max_mode_record}));
  const auto schema = json["schema"].integer();
  if (!schema) {
    return fail(Errc::invalid, "the tag's sccache mode: no schema");
  }
  if (*schema != k_schema) {
    return fail(Errc::unsupported, "the tag's sccache mode is of schema {}, this program reads {}", *schema,
                k_schema);
  }
  AGENT_TRY(const auto mode, parse_sccache_mode(json.text("mode")));
  if (mode == SccacheMode::automatic) {
    return fail(Errc::invalid, "the tag's sccache mode is no mode");
  }
  return ModeRecord{.mode = mode, .checkout = json.text("checkout")};
}

ModeChoice choose_mode(const ModeFacts& facts) {
  if (facts.requested == SccacheMode::automatic) {
    return choose_automatically(facts);
  }
  // Tags of proxy mode alone record nothing: it is what every tag began with.
  const auto before = facts.recorded.value_or(ModeRecord{});
  const bool same = before.mode == facts.requested &&
                    (before.mode == SccacheMode::proxy || before.checkout == facts.checkout);
  if (same) {
    return {.mode = facts.requested, .note = {}, .record = {}};
  }
  return {.mode = facts.requested,
          .note = note_on_change(facts, before.mode),
          .record = ModeRecord{.mode = facts.requested, .checkout = facts.checkout}};
}

}  // namespace agent::app
