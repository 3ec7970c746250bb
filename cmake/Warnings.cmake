add_library(agent_options INTERFACE)
target_compile_features(agent_options INTERFACE cxx_std_23)
target_include_directories(agent_options INTERFACE ${CMAKE_SOURCE_DIR})
target_link_libraries(agent_options INTERFACE fmt::fmt Threads::Threads)
target_compile_options(agent_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Wundef -Werror
  -Wno-missing-field-initializers  # designated initialisers leave the rest at their defaults on purpose
  -fno-strict-aliasing -fstack-protector-strong)
target_compile_definitions(agent_options INTERFACE HEARTH_VERSION="${PROJECT_VERSION}")
# g++ 12 reports freed or uninitialised memory inside its own optional and string at -O2 (PR 105562, 105329).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(agent_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
                                                 -Wno-array-bounds -Wno-dangling-pointer)
endif()
# clang 19 warns inside libstdc++ 12: std::stable_sort and its kin call std::get_temporary_buffer, deprecated in C++17.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(agent_options INTERFACE -Wno-deprecated-declarations)
endif()
