#include "agent/action/workflow_log.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace agent::action {
namespace {

TEST(WorkflowLog, EscapesWhatWouldEndACommand) {
  std::ostringstream out;

  WorkflowLog(out).notice("a:b,c", "50%\r\nend");

  EXPECT_EQ(out.str(), "::notice title=a%3Ab%2Cc::50%25%0D%0Aend\n");
}

TEST(WorkflowLog, NeverLetsTextBecomeACommand) {
  std::ostringstream out;
  const WorkflowLog log(out);

  log.line("::set-output name=x::1");
  log.line("fine\n::error::not fine");
  log.line("x ##[error]y");
  log.quote("first\n  ::warning::second\r\n##[group]third\n");

  EXPECT_EQ(out.str(),
            "| ::set-output name=x::1\n"
            "fine ::error::not fine\n"
            "x ## [error]y\n"
            "| first\n"
            "| | ::warning::second\n"
            "| ## [group]third\n");
}

TEST(WorkflowLog, CutsAnnotationsWhereTheRunnerWould) {
  std::ostringstream out;
  std::string text(k_annotation_limit - 1, 'x');
  text += "\u00e9";  // two bytes across the limit

  WorkflowLog(out).warning(text);

  EXPECT_EQ(out.str(), "::warning title=Hearth::" + std::string(k_annotation_limit - 1, 'x') + "\n");
}

TEST(WorkflowLog, MasksSecretsAndNothingEmpty) {
  std::ostringstream out;

  WorkflowLog(out).mask(Secret("50%"));
  WorkflowLog(out).mask(Secret(""));

  EXPECT_EQ(out.str(), "::add-mask::50%25\n");
}

}  // namespace
}  // namespace agent::action
