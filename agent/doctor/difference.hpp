// Two recorded runs side by side: what changed around them, and, where sccache's keys were written down
// (`hearth run --explain`), the first input that changed of each compilation, a header or a source included,
// and what that cascaded into.
// Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/app/run_record.hpp"
#include "agent/doctor/file_changes.hpp"
#include "agent/io/json.hpp"

namespace agent::doctor {

struct Change {
  std::string what;  // "CARGO_HOME", "tag", "argument"
  std::string then;
  std::string now;
  FileChange file = FileChange::none;  // `what` is a path, `then` and `now` are digests
};

// One compilation whose key is another one now.
struct ChangedKey {
  std::string name;
  std::uint64_t then = 0;
  std::uint64_t now = 0;
  Change first;         // the first input that changed, as far as can be told
  std::string because;  // a dependency whose change came first; empty: it changed by itself
};

// A file or an argument that changed, and how many keys did because of it.
struct Cascade {
  Change first;
  std::uint64_t compilations = 0;
};

struct Difference {
  std::vector<Change> around;         // of the runs as wholes; those that enter keys first
  std::vector<ChangedKey> changed;    // in the order of the later run
  std::vector<Cascade> cascades;      // the largest first
  std::vector<std::string> appeared;  // compilations that only the later run had
  std::vector<std::string> vanished;  // or only the earlier one
  std::uint64_t same = 0;             // compilations with the same key
  bool has_keys = false;              // both runs wrote keys down
  std::uint64_t asked = 0;            // keys that the later run asked the agent for
  std::uint64_t again = 0;            // of those, asked for by the earlier one too
};

Difference compare(const app::RunRecord& then, const app::RunRecord& now);

io::Json to_json(const Difference& difference);
std::string text_of(const Difference& difference);

// "CFLAGS: -O1 -> -O2"
std::string text_of(const Change& change);

// "serde: because memchr changed"
std::string text_of(const ChangedKey& key);

// What is known of one compilation or key in each of the runs, the newest first: "a0.o", a crate's name, or
// at least six digits of a key. Empty where no run knows it.
std::string history_of(const std::vector<app::RunRecord>& runs, std::string_view name);

// Names on record that somebody may have meant: "f1.o" for "f1", "f1.c" or "src/f1.c", "my_crate" for
// "my-crate". A handful at most.
std::vector<std::string> near_names(const std::vector<app::RunRecord>& runs, std::string_view name);

}  // namespace agent::doctor
