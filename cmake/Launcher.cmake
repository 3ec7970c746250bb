# The launcher: a program without a C library, because it runs once per compilation and a libc's start-up would cost
# it more than its own work. The same sources as a library, built like every module, are for the tests.
file(GLOB launcher_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/agent/launcher/*.cpp)
set(launcher_library_sources ${launcher_sources})
list(FILTER launcher_library_sources EXCLUDE REGEX "/main\\.cpp$")

add_library(agent_launcher STATIC ${launcher_library_sources})
target_link_libraries(agent_launcher PUBLIC agent_options)
list(APPEND agent_modules launcher)

add_executable(hearth_launcher ${launcher_sources})
target_include_directories(hearth_launcher PRIVATE ${CMAKE_SOURCE_DIR})
# Assigned, not added: no sanitizer of the directory may reach a program without their runtime.
set_target_properties(hearth_launcher PROPERTIES
  OUTPUT_NAME sccache-launcher
  COMPILE_OPTIONS "-Os;-Wall;-Wextra;-Wconversion;-Wshadow;-Werror;-ffreestanding;-fno-builtin;-fno-exceptions;-fno-rtti;-fno-stack-protector;-fno-asynchronous-unwind-tables;-fno-threadsafe-statics;-fno-pie;-ffunction-sections;-fdata-sections;-U_FORTIFY_SOURCE"
  LINK_OPTIONS "-static;-nostdlib;-no-pie;-Wl,--gc-sections;-Wl,--build-id=none;-Wl,-z,noseparate-code;-Wl,-z,norelro;-Wl,-s")
