// What a storage of builtin.def is made from: make_<scheme>(url, services). Used by builtin.cpp and by the
// files that implement a storage; everybody else calls open_storage.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backends/object_storage.hpp"

namespace agent::backends {

// "scheme://rest"
struct StorageUrl {
  std::string scheme;
  std::string rest;
  std::string text;
};

using MakeStorage = Result<std::unique_ptr<ObjectStorage>> (*)(const StorageUrl&, const StorageServices&);

#define BACKEND(name) \
  Result<std::unique_ptr<ObjectStorage>> make_##name(const StorageUrl& url, const StorageServices& services);
#include "agent/backends/builtin.def"
#undef BACKEND

// The schemes of builtin.def, in its order.
std::vector<std::string_view> storage_schemes();

// Errors: invalid.
Result<StorageUrl> parse_storage_url(std::string_view text);

}  // namespace agent::backends
