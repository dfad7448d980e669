// Who calls a component, and may they: asked of the API server (TokenReview, SubjectAccessReview).
#pragma once

#include <map>
#include <string>

#include "api/authenticationv1.h"
#include "api/authorizationv1.h"
#include "async/executor.h"
#include "client/client.h"

namespace kpp::client {

// Guarantees: who shows a verified client certificate is that user, without a question; a token is
//   reviewed, and the answer kept for a while; nobody at all is system:anonymous, if allowed. A
//   member of system:masters may do everything.
// Ownership: executor and clients must outlive it. Runs on: the executor.
class DelegatedAccess {
 public:
  struct Options {
    bool anonymous = true;
    Duration token_life = std::chrono::seconds(10);  // how long answers are kept
    Duration allowed_life = std::chrono::seconds(10);
    Duration denied_life = std::chrono::seconds(10);
  };

  DelegatedAccess(async::Executor& executor, Client& authentication, Client& authorization,
                  Options options)
      : executor_(executor),
        authentication_(authentication),
        authorization_(authorization),
        options_(options) {}

  // Errors: kUnauthorized; whatever the review failed with.
  async::Task<Result<authenticationv1::UserInfo>> authenticate(const net::Request& request,
                                                               async::StopToken stop);
  // `access` says what is wanted; the user is filled in here. Ok, or kForbidden with the API
  // server's reason (which may be empty).
  async::Task<Status> authorize(authenticationv1::UserInfo user,
                                authorizationv1::SubjectAccessReviewSpec access,
                                async::StopToken stop);

 private:
  // A few answers, each for its time; the oldest go when there are too many.
  template <class T>
  class Kept {
   public:
    const T* find(const std::string& key, TimePoint now) const {
      const auto it = answers_.find(key);
      return it != answers_.end() && now < it->second.until ? &it->second.value : nullptr;
    }
    void keep(const std::string& key, T value, TimePoint now, Duration life) {
      if (answers_.size() >= kMaxAnswers)
        std::erase_if(answers_, [&](const auto& e) { return e.second.until <= now; });
      if (answers_.size() >= kMaxAnswers) answers_.clear();
      answers_[key] = {std::move(value), now + life};
    }

   private:
    static constexpr std::size_t kMaxAnswers = 1024;
    struct Answer {
      T value;
      TimePoint until;
    };
    std::map<std::string, Answer> answers_;
  };

  async::Task<Result<authenticationv1::UserInfo>> review(std::string token, async::StopToken stop);

  async::Executor& executor_;
  Client& authentication_;
  Client& authorization_;
  const Options options_;
  Kept<authenticationv1::UserInfo> users_;
  Kept<Status> decisions_;
};

// What a request to a path outside the API wants: the path and the verb.
authorizationv1::SubjectAccessReviewSpec path_access(const net::Request& request);

}  // namespace kpp::client
