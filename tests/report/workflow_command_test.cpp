#include "agent/report/workflow_command.hpp"

#include <gtest/gtest.h>

namespace agent::report {
namespace {

TEST(WorkflowCommand, EscapesDataAsTheRunnerExpects) {
  EXPECT_EQ(escape_data("50% a:b,c\r\nd"), "50%25 a:b,c%0D%0Ad");
  EXPECT_EQ(escape_data("%0A"), "%250A");
}

TEST(WorkflowCommand, EscapesColonsAndCommasOfProperties) {
  EXPECT_EQ(escape_property("50% a:b,c\r\nd"), "50%25 a%3Ab%2Cc%0D%0Ad");
}

TEST(WorkflowCommand, WritesAnAnnotation) {
  EXPECT_EQ(annotation(Severity::warning, "Hearth: x", "a\nb"), "::warning title=Hearth%3A x::a%0Ab");
  EXPECT_EQ(annotation(Severity::notice, "", "a"), "::notice::a");
  EXPECT_EQ(annotation(Severity::error, "t", ""), "::error title=t::");
}

}  // namespace
}  // namespace agent::report
