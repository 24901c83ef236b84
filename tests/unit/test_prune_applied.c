/*
 * Random repositories, pruned: what a dry run says is what an applied one does, whatever else stands
 * there, and what stays is as it was.
 */
#include "tests/unit/repository_fixture.h"

#include <inttypes.h>

#include "backup/hold.h"
#include "backup/prune_run.h"

enum {
    REPOSITORIES = 30,
    MOST_BACKUPS = 12,
};

typedef struct Dice {
    uint64_t state;
} Dice;

static uint64_t roll(Dice *dice, uint64_t sides) /* xorshift64 (Marsaglia) */
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return dice->state % sides;
}

static bool one_in(Dice *dice, uint64_t sides)
{
    return roll(dice, sides) == 0;
}

/* What holds some of them while others are removed. */
typedef struct Holds {
    BackupWork *work;
    HeldBackup held;
} Holds;

static void holds_release(Holds *holds)
{
    backup_work_free(holds->work);
    held_backup_release(&holds->held);
}
#define AUTO_HOLDS __attribute__((cleanup(holds_release)))

static void set_check(const char *directory, Dice *dice, int64_t at_us)
{
    CheckReport report = {.damage_total = one_in(dice, 6) ? 1 : 0};
    Error err = {0};

    expect_ok(evidence_write(directory, one_in(dice, 2) ? CHECK_DATA : CHECK_QUICK, &report, at_us,
                             at_us + MINUTE, &err));
}

static void set_complete(World *world, Dice *dice, const SampleBackup *sample)
{
    AUTO_FREE_MEMORY char *token = NULL;
    AUTO_FREE_MEMORY char *file = NULL;
    const char *directory = NULL;
    Error err = {0};

    expect_ok(sample_backup(world->repository, sample, &err));
    directory = find(world, sample->name)->directory;
    if (one_in(dice, 5))
        expect_ok(pin_add(directory, "by chance", 0, sample->started_us, &token, &err));
    if (one_in(dice, 3))
        set_check(directory, dice, sample->started_us + HOUR);
    file = xasprintf("%s/%s", directory, one_in(dice, 2) ? "manifest.json" : "schema/README.txt");
    if (one_in(dice, 8))
        assert_int_equal(unlink(file), 0);
}

static void set_random_repository(World *world, Dice *dice, Holds *holds)
{
    uint64_t count = roll(dice, MOST_BACKUPS + 1);
    int64_t at_us = NOW_US;

    for (uint64_t i = 0; i < count; i++) {
        AUTO_FREE_MEMORY char *name = xasprintf("b%" PRIu64, i);
        SampleBackup sample = {.name = name,
                               .series = one_in(dice, 3) ? "other" : "shop",
                               .migration = one_in(dice, 8) ? "move" : NULL,
                               .started_us = at_us,
                               .took_us = MINUTE};
        BackupWork *work = NULL;
        Error err = {0};

        at_us += (int64_t)(1 + roll(dice, 40)) * HOUR;
        if (!one_in(dice, 6)) {
            set_complete(world, dice, &sample);
            continue;
        }
        expect_ok(sample_begin(world->repository, &sample, &work, &err));
        if (one_in(dice, 3))
            expect_ok(sample_write_manifest(work, sample.started_us, &err));
        if (holds->work == NULL && one_in(dice, 2))
            holds->work = TAKE(work);
        backup_work_free(work);
    }
}

static void hold_one(World *world, Dice *dice, Holds *holds)
{
    size_t count = look(world)->count;
    const Backup *backup = count > 0 ? &world->list.items[roll(dice, count)] : NULL;
    Error ignored = {0};

    if (backup != NULL && one_in(dice, 2))
        (void)backup_hold(world->repository, backup->label, WAIT_MS, &holds->held, &ignored);
}

static PruneRequest random_request(Dice *dice, const NeededList *needed)
{
    PruneRequest request = {.needed = needed,
                            .now_us = NOW_US + (int64_t)(100 + roll(dice, 400)) * HOUR,
                            .lock_wait_ms = WAIT_MS};

    request.policy.keep_last = roll(dice, 3);
    request.policy.keep_daily = one_in(dice, 3) ? roll(dice, 4) : 0;
    if (request.policy.keep_last == 0 || one_in(dice, 4))
        request.policy.keep_within_s = 1 + roll(dice, 200) * 3600;
    return request;
}

/* A series that was refused is told by an error; everything else must go well. */
static void prune(World *world, const PruneRequest *request, PruneResult *ret)
{
    Error err = {0};
    Status status = prune_run(world->repository, request, ret, &err);

    if (status < 0 && err.kind != ERROR_REFUSED)
        fail_msg("%s", err.message);
}

static void expect_same(const PruneResult *dry, const PruneResult *applied, uint64_t seed)
{
    assert_int_equal(dry->plan.count, applied->plan.count);
    for (size_t i = 0; i < dry->plan.count; i++) {
        const PruneSeries *one = &dry->plan.series[i];
        const PruneSeries *other = &applied->plan.series[i];

        assert_int_equal(one->count, other->count);
        assert_int_equal(one->is_refused, other->is_refused);
        for (size_t j = 0; j < one->count; j++) {
            assert_string_equal(one->items[j].backup->label, other->items[j].backup->label);
            if (one->items[j].verdict != other->items[j].verdict)
                fail_msg("seed %" PRIu64 ": %s: dry %u, applied %u: %s", seed,
                         one->items[j].backup->label, one->items[j].verdict,
                         other->items[j].verdict,
                         other->items[j].reasons.count > 0 ? other->items[j].reasons.items[0] : "");
        }
    }
    assert_int_equal(dry->moved, applied->moved);
}

/* What was to stay is there in its state, the rest is in the trash, whole. */
static size_t expect_done(World *world, const PruneResult *applied)
{
    AUTO_TRASH_LIST TrashList trash = {0};
    size_t removed = 0;
    Error err = {0};

    expect_ok(trash_list(world->repository, &trash, &err));
    (void)look(world);
    for (size_t i = 0; i < applied->plan.count; i++)
        for (size_t j = 0; j < applied->plan.series[i].count; j++) {
            const PruneItem *item = &applied->plan.series[i].items[j];
            const Backup *found = NULL;
            Error missing = {0};
            bool is_there =
                backup_list_find(&world->list, item->backup->label, &found, &missing) >= 0;

            assert_int_equal(is_there, item->verdict != PRUNE_REMOVE);
            removed += !is_there;
            if (is_there)
                assert_int_equal(found->state, item->backup->state);
        }
    assert_int_equal(trash.count, removed);
    assert_int_equal(world->list.count + removed, applied->backups.count);
    return removed;
}

static void what_a_dry_run_says_is_what_is_done(void **state)
{
    size_t removed = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= REPOSITORIES; seed++) {
        AUTO_WORLD World world;
        AUTO_HOLDS Holds holds = {0};
        AUTO_PRUNE_RESULT PruneResult dry = {0};
        AUTO_PRUNE_RESULT PruneResult applied = {0};
        AUTO_PRUNE_RESULT PruneResult again = {0};
        AUTO_NEEDED_LIST NeededList needed = {0};
        Dice dice = {.state = seed * UINT64_C(0x9E3779B97F4A7C15)};
        PruneRequest request = {0};

        set_world(&world);
        set_random_repository(&world, &dice, &holds);
        hold_one(&world, &dice, &holds);
        needed_list_add(&needed, "b2", "move");
        request = random_request(&dice, &needed);
        prune(&world, &request, &dry);
        assert_int_equal(look(&world)->count, dry.backups.count);
        request.apply = true;
        prune(&world, &request, &applied);
        expect_same(&dry, &applied, seed);
        removed += expect_done(&world, &applied);
        prune(&world, &request, &again);
        assert_int_equal(again.moved, 0);
    }
    assert_true(removed > REPOSITORIES / 2); /* not for want of trying */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_dry_run_says_is_what_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
