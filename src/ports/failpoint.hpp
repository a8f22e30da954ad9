// SPDX-License-Identifier: Apache-2.0
// Named points between two durable steps, at which a process can be killed as if by a power cut. Only test
// builds have them (CMake option TESSERA_FAILPOINTS); in all others reach() does nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tessera {

enum class Failpoint : std::uint8_t {
  upload_entered,
  form_stored,
  jobs_created,
  message_published,
  publication_marked,
  job_cancelled,
  job_retried,
  lost_job_queued_again,
  lost_message_published,
  expired_record_removed,
  message_taken,
  job_running,
  job_on_ranks,
  job_processed,
  result_stored,
  job_done,
  job_failed,
  job_postponed,
  job_set_aside,
  webhook_taken,
  webhook_answered,
};

struct FailpointInfo {
  std::string_view name;    ///< as TESSERA_FAILPOINT gives it
  std::string_view before;  ///< what has been made durable
  std::string_view after;   ///< what has not
};

/// In the order of Failpoint.
constexpr std::array<FailpointInfo, 21> failpoints{{
    {"upload-entered", "an upload is reserved", "its link is sent"},
    {"form-stored", "the images of a form are stored", "its jobs are recorded"},
    {"jobs-created", "jobs are recorded", "their messages are published"},
    {"message-published", "a message is published", "the job is marked as published"},
    {"publication-marked", "the job is marked as published", "the upload is released and 202 sent"},
    {"job-cancelled", "a cancellation is recorded", "the response is sent"},
    {"job-retried", "a retry is recorded", "its message is published"},
    {"lost-job-queued-again", "a job without a message is queued again", "its message is published"},
    {"lost-message-published", "the message of such a job is published", "the job is marked as published"},
    {"expired-record-removed", "the record of an expired job is removed", "its result is removed"},
    {"message-taken", "a node has received a message", "the job is recorded as running"},
    {"job-running", "the job is recorded as running", "ranks begin"},
    {"job-on-ranks", "the attempt is recorded", "ranks have ended"},
    {"job-processed", "ranks have made the result", "it is stored"},
    {"result-stored", "the result is stored", "the job is recorded as done"},
    {"job-done", "the job is recorded as done", "its message is acknowledged"},
    {"job-failed", "the job is recorded as failed", "its message is acknowledged"},
    {"job-postponed", "the job is recorded as queued again by its node", "its message is postponed"},
    {"job-set-aside", "the job is recorded as failed", "its message is in the dead-letter queue"},
    {"webhook-taken", "a sender has claimed a webhook call", "it is sent"},
    {"webhook-answered", "a webhook call is answered", "it is recorded as made"},
}};

/// Kills the process with SIGKILL if the environment variable TESSERA_FAILPOINT names this point and the
/// build has failpoints.
void reach(Failpoint point);

}  // namespace tessera
