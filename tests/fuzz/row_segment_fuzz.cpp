// Key rows that can be read can be walked, searched and written, and are then read the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/server/row_segment.hpp"
#include "agent/server/rows.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace server = agent::server;
  const std::string text(reinterpret_cast<const char*>(data), size);
  server::is_rows_record(text);
  const auto segment = server::RowSegment::parse(text);
  if (!segment) {
    return 0;
  }
  std::vector<server::Row> rows;
  for (std::size_t i = 0; i < (*segment)->size(); ++i) {
    rows.push_back((*segment)->row(i));
    if ((*segment)->find(rows.back().key) != rows.back()) {
      std::abort();
    }
  }
  if (server::encode_rows(std::move(rows)) != text) {
    std::abort();
  }
  return 0;
}
