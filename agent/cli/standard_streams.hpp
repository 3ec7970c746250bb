// What becomes of standard input, output and error where they are closed, broken or full. For main(), before
// any thread runs; the process's own.
#pragma once

namespace agent::cli {

// Puts /dev/null where a descriptor of the three is closed: the next file that is opened would get its
// number, and what is meant for people would be written into it.
void open_closed_streams();

// From here on, what is printed to `stderr` and cannot be written is dropped. Whoever has closed or filled it
// shall lose messages, not the exit code of the build.
void tolerate_broken_errors();

// Writes out what was printed to `stdout`. The exit code: `code`, or k_failure where what was printed did not
// arrive, with the reason on standard error unless whoever read it has had enough (`| head -1`).
int finish_output(int code);

// The same where printing has failed already, with this errno.
int output_failed(int error);

}  // namespace agent::cli
