// Where the contract suite puts a storage under test: one factory per line of agent/backends/builtin.def.
#pragma once

#include <memory>
#include <string>

#include "agent/backends/object_storage.hpp"

namespace agent::tests {

// A fresh, empty storage that lives as long as this object; any process may open its URL.
class StoragePlace {
public:
  virtual ~StoragePlace() = default;
  virtual std::string url() const = 0;

  // What the storage sees as its environment.
  virtual backends::Variables variables() const { return io::environment_value; }

  // From here on this thread and what it starts may read but not write.
  virtual void forbid_writing() = 0;
};

#define BACKEND(name) std::unique_ptr<StoragePlace> make_##name##_place();
#include "agent/backends/builtin.def"
#undef BACKEND

}  // namespace agent::tests
