// SPDX-License-Identifier: Apache-2.0
// Where jobs run. The panel, the models and the user know two places through this one interface: a server,
// and this computer.
#pragma once

#include <QDateTime>
#include <QObject>
#include <vector>

#include "jobs/model/job_record.hpp"
#include "jobs/model/submission.hpp"

namespace tessera::desktop {

class JobRepository;

struct Connection {
  enum class State : std::uint8_t {
    none_needed,  ///< jobs run on this computer
    connecting,   ///< for the first time
    connected,
    lost,     ///< comes back by itself
    refused,  ///< does not come back by itself: the token, the certificate, the address
  };
  State state = State::none_needed;
  QString reason;  ///< a sentence, for lost and refused
};

/// All calls return at once and are made on the thread that the object lives on; the signals tell what came
/// of them. What goes wrong with a job is told in the job itself (JobRecord::failure) or, where the job is
/// none the worse for it, by error_reported(). Destroying a backend ends its threads; nothing that was submitted is
/// forgotten: it is in a journal, and goes on when the backend is made again.
class JobBackend : public QObject {
  Q_OBJECT

 public:
  using QObject::QObject;

  /// All that are known, the oldest first.
  [[nodiscard]] virtual std::vector<JobRecord> jobs() const = 0;
  /// New jobs of one group.
  virtual void submit(std::vector<Submission> submissions) = 0;
  /// Those that are over already stay as they are.
  virtual void cancel(const QStringList& keys) = 0;
  /// Those that failed or were cancelled begin anew.
  virtual void retry(const QStringList& keys) = 0;
  /// Takes jobs that are over out of the list, with what is kept of their results here.
  virtual void forget(const QStringList& keys) = 0;
  /// Brings the result to this computer: result_fetched() or error_reported() follows.
  virtual void fetch_result(const QString& key) = 0;
  /// The user has put a copy of the result somewhere.
  virtual void mark_saved(const QString& key) = 0;
  [[nodiscard]] virtual bool has_links() const = 0;
  /// A link to the result that works without a token: link_made() or error_reported() follows.
  virtual void make_link(const QString& key) = 0;
  [[nodiscard]] virtual Connection connection() const = 0;
  /// Tries at once instead of some time later.
  virtual void reconnect() = 0;
  /// How many jobs stop for the time being when the program ends.
  [[nodiscard]] virtual int jobs_that_need_the_program() const = 0;

 Q_SIGNALS:
  /// New ones and ones that have changed, at most twenty times a second.
  void jobs_changed(const QList<tessera::desktop::JobRecord>& jobs);
  void jobs_forgotten(const QStringList& keys);
  void result_fetched(const QString& key, const QString& file);
  void link_made(const QString& key, const QString& url, const QDateTime& expires);
  void error_reported(const QString& key, const QString& sentence);
  void connection_changed(const tessera::desktop::Connection& connection);

 protected:
  /// Passes on what happens to the book, and what was wrong with it when it was opened. It must live as long.
  void tell_of(JobRepository& book);
  /// Records of one new group, in the submissions' order; keys begin with `prefix`.
  [[nodiscard]] static std::vector<JobRecord> new_group(std::vector<Submission> submissions,
                                                        const char* prefix);
};

}  // namespace tessera::desktop

Q_DECLARE_METATYPE(tessera::desktop::Connection)
