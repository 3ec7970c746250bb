// Key rows as the server keeps them: an immutable, sorted list in one object. Values; safe from any thread.
// Grammar: docs/formats.md, "Key rows". Errors: corrupt, unsupported (a newer format).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/mapping.hpp"
#include "agent/server/names.hpp"

namespace agent::server {

constexpr std::size_t k_longest_row_key = 1024;
constexpr std::size_t k_longest_namespace = 128;

// One key of a tag and the blob it stands for. The texts are borrowed from whoever has the row.
struct Row {
  std::string_view name_space;
  std::string_view key;  // as sent, the namespace in front of it
  Blob blob;
  std::uint64_t written_ms = 0;
  bool operator==(const Row&) const = default;
};

// Writes a segment down row by row, so that no second list of them is in memory.
// REQUIRES: keys ascending, none twice; keys and namespaces within their limits.
class RowEncoder final {
public:
  explicit RowEncoder(std::size_t most_bytes);  // of the segment; more is allowed, and costs a copy
  void add(const Row& row);
  std::size_t size() const { return offsets_.size(); }
  std::string finish() &&;

private:
  std::string text_;
  std::vector<std::uint32_t> offsets_;
};

// In any order; of rows with one key the last counts. REQUIRES: keys and namespaces within their limits.
std::string encode_rows(std::vector<Row> rows);

class RowSegment final {
public:
  // The bytes of a segment in memory, or of a file that is mapped.
  using Bytes = std::variant<std::string, io::Mapping>;
  static Result<std::shared_ptr<const RowSegment>> parse(Bytes bytes);

  std::size_t size() const { return count_; }
  std::size_t bytes() const { return view().size(); }

  // REQUIRES: index < size().
  Row row(std::size_t index) const;

  // The first row whose key comes after `key`.
  std::size_t after(std::string_view key) const;
  std::optional<Row> find(std::string_view key) const;

private:
  explicit RowSegment(Bytes bytes) : bytes_(std::move(bytes)) {}
  std::string_view view() const;
  std::size_t offset(std::size_t index) const;
  Result<void> check();

  Bytes bytes_;
  std::size_t count_ = 0;
};

// Goes through several segments as one, by key; of rows with one key that of the last segment counts.
class RowMerge final {
public:
  // Begins after `cursor`; empty: at the beginning. The segments outlive it.
  RowMerge(std::span<const std::shared_ptr<const RowSegment>> segments, std::string_view cursor);

  // Empty at the end.
  std::optional<Row> next();

private:
  struct Source {
    const RowSegment* segment = nullptr;
    std::size_t position = 0;
    Row row;  // at that position
  };
  std::vector<Source> sources_;  // those with a row left
};

}  // namespace agent::server
