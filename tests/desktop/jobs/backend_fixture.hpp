// SPDX-License-Identifier: Apache-2.0
// What the tests of both backends share.
#pragma once

#include <gtest/gtest.h>

#include <QHash>
#include <QTest>
#include <filesystem>
#include <functional>
#include <vector>

#include "jobs/model/job_backend.hpp"
#include "servers/server_process.hpp"
#include "service/service_process.hpp"

namespace tessera::testing {

/// Handles events until the condition holds.
inline bool comes_true(const std::function<bool()>& condition) { return QTest::qWaitFor(condition, 60'000); }

inline std::vector<desktop::Submission> submissions(const std::vector<std::filesystem::path>& files,
                                                    const std::string& pipeline, const Json& output = {}) {
  std::vector<desktop::Submission> result;
  for (const auto& file : files) {
    result.push_back({file, parse_pipeline(pipeline), output});
  }
  return result;
}

/// What a backend has told, the last of each job.
class Told {
 public:
  explicit Told(desktop::JobBackend& backend) {
    QObject::connect(&backend, &desktop::JobBackend::jobs_changed, &context_,
                     [this](const QList<desktop::JobRecord>& jobs) {
                       ++bundles;
                       for (const desktop::JobRecord& job : jobs) {
                         by_key[job.key] = job;
                         fractions[job.key].push_back(job.fraction);
                       }
                     });
    QObject::connect(&backend, &desktop::JobBackend::error_reported, &context_,
                     [this](const QString&, const QString& sentence) { errors += sentence; });
    QObject::connect(&backend, &desktop::JobBackend::result_fetched, &context_,
                     [this](const QString& key, const QString& file) { fetched[key] = file; });
    QObject::connect(&backend, &desktop::JobBackend::connection_changed, &context_,
                     [this](const desktop::Connection& connection) { connections.push_back(connection); });
  }
  [[nodiscard]] int count(desktop::JobPhase phase) const {
    return static_cast<int>(
        std::count_if(by_key.begin(), by_key.end(), [&](const auto& job) { return job.phase == phase; }));
  }
  [[nodiscard]] bool was(desktop::Connection::State state) const {
    return std::ranges::any_of(connections, [&](const auto& one) { return one.state == state; });
  }

  QHash<QString, desktop::JobRecord> by_key;
  QHash<QString, std::vector<double>> fractions;
  QHash<QString, QString> fetched;
  QStringList errors;
  std::vector<desktop::Connection> connections;
  int bundles = 0;

 private:
  QObject context_;
};

/// What `tessera apply` makes of the image, for a result of that extension.
inline std::string applied(const std::string& pipeline, const std::filesystem::path& image,
                           const std::string& extension = "png", const std::vector<std::string>& more = {}) {
  const ServerFolder folder;
  const auto out = folder.path() / ("expected." + extension);
  std::vector<std::string> command{"apply", "--quiet", pipeline, image, "-o", out};
  command.insert(command.end(), more.begin(), more.end());
  const CommandOutcome outcome = tessera(command);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return read_file(out);
}

}  // namespace tessera::testing
