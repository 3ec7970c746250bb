// Lines that the Actions runner reads from a step's output: `::notice title=Hearth::text`.
// Pure functions; safe from any thread.
// Source: actions/runner 258d6c8, src/Runner.Common/ActionCommand.cs (escapes), ExecutionContext.cs
// (10 annotations per severity and step, messages cut at 4096 characters); read 2026-11.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace agent::report {

// The text after `::`. `%`, CR and LF become %25, %0D and %0A; any bytes are safe then.
std::string escape_data(std::string_view text);

// A value of `name=value`; `:` and `,` are escaped as well.
std::string escape_property(std::string_view text);

enum class Severity : std::uint8_t { notice, warning, error };

// `::notice title=…::…` without a line end; an empty title is left out.
std::string annotation(Severity severity, std::string_view title, std::string_view message);

}  // namespace agent::report
