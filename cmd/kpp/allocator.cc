// How the allocator is set up (docs/decisions/0005): freed pages go back to the machine after a
// second, and two arenas do for the one busy thread and its few helpers.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";
}
