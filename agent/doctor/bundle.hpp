// The support bundle: everything the doctor looked at and what came of it, as one JSON file that people can
// read before they send it. No credentials, no sources; values of the environment and of settings as
// sccache::shown_value leaves them. Pure.
#pragma once

#include "agent/doctor/chart.hpp"
#include "agent/doctor/diagnosis.hpp"
#include "agent/io/json.hpp"

namespace agent::doctor {

io::Json bundle_of(const Chart& chart, const Diagnosis& diagnosis);

}  // namespace agent::doctor
