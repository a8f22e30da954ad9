// SPDX-License-Identifier: Apache-2.0
// What a server says of a job, and what it means for the record of it. Throws Json's exceptions where what it
// says has not the form that the service's interface describes.
#pragma once

#include <QString>

#include "jobs/model/job_record.hpp"

namespace tessera::desktop {

[[nodiscard]] QString text_at(const Json& json, const char* name);
[[nodiscard]] JobPhase phase_of(const Json& view);
/// Whether the view is of an earlier time than what the record knows already.
[[nodiscard]] bool is_stale(const JobRecord& job, const Json& view);
/// Brings the record up to date.
void apply_view(const Json& view, JobRecord& job);
/// Of a job that this program has not sent itself. Its key is the server's id.
[[nodiscard]] JobRecord record_of(const Json& view);

}  // namespace tessera::desktop
