// Decides what becomes of an event before it is written: a new one, a higher count of a known one,
// or nothing.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "api/corev1.h"
#include "base/clock.h"

namespace kpp::client {

// Guarantees, with the original's figures: at most 25 events of a source about an object, then one
// in 5 minutes; from
//   the tenth different message within 10 minutes on, events that differ only in the message count
//   as one, with
//   "(combined from similar events): " before the message; equal events raise the count of the
//   first. Remembers 4096 entries of each sort, the latest ones.
// Runs on: one thread.
class EventCorrelator {
 public:
  struct Decision {
    bool drop = false;
    std::string key;      // for written()
    corev1::Event event;  // to write; with count over 1 and the name of the first when it is known
    bool patch = false;
  };

  Decision decide(corev1::Event event, TimePoint now);
  // The server took the event under this key.
  void written(const std::string& key, const corev1::Event& event);

 private:
  struct Bucket {
    double tokens;
    TimePoint at;
  };
  struct Similar {
    std::set<std::string> messages;
    TimePoint last;
  };
  struct Seen {
    std::string name, resource_version;
    std::int32_t count;
    api::Time first;
  };
  template <class T>
  class Lru {
   public:
    T* find(const std::string& key);
    T& put(const std::string& key, T value);

   private:
    std::list<std::pair<std::string, T>> order_;  // latest first
    std::map<std::string, typename std::list<std::pair<std::string, T>>::iterator> by_key_;
  };

  bool is_spam(const corev1::Event& event, TimePoint now);

  Lru<Bucket> buckets_;
  Lru<Similar> similar_;
  Lru<Seen> seen_;
};

}  // namespace kpp::client
