# HEARTH_SANITIZE: a list for -fsanitize=, for instance "address,undefined" or "thread".
set(HEARTH_SANITIZE "" CACHE STRING "sanitizers to build with")
if(HEARTH_SANITIZE)
  add_compile_options(-fsanitize=${HEARTH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HEARTH_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 sees uninitialised members in its own std::regex once checks are put between its lines.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  if(HEARTH_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
endif()
# Without counters in the modules the fuzzer would be guided by its own few lines only.
if(HEARTH_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
