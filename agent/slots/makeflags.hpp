// MAKEFLAGS with another jobserver in it. Free functions; safe from any thread. Source: GNU make manual 4.3,
// "Communicating Options to a Sub-make" and "POSIX Jobserver Interaction", and how make 4.3 writes it: single
// letters in the first word, without a dash; options; " -- " and the command line's variables, with a
// backslash before each blank in them; read 2026-11.
#pragma once

#include <string>
#include <string_view>

namespace agent::slots {

// What a make reads: the descriptor to take tokens from and the one to put them back to.
struct Descriptors {
  int read = -1;
  int write = -1;
};

// Everything that `flags` says but how many jobs to run and whom to ask for more (-n, -k, variables, …), and
// these descriptors.
std::string with_jobserver(std::string_view flags, Descriptors descriptors);

}  // namespace agent::slots
