/* The read limit: a C client that fetches every row of every table over the binary protocol and throws it away.
 *
 * Usage: RL_PASSWORD=... read_limit HOST PORT USER DATABASE CONNECTIONS QUERY...   prints the number of rows.
 * The prototypes are MariaDB Connector/C's, written out so that only the library is needed and not its headers.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct MYSQL MYSQL;
typedef struct MYSQL_STMT MYSQL_STMT;
MYSQL *mysql_init(MYSQL *);
MYSQL *mysql_real_connect(MYSQL *, const char *, const char *, const char *, const char *, unsigned, const char *,
                          unsigned long);
const char *mysql_error(MYSQL *);
const char *mysql_stmt_error(MYSQL_STMT *);
MYSQL_STMT *mysql_stmt_init(MYSQL *);
int mysql_stmt_prepare(MYSQL_STMT *, const char *, unsigned long);
int mysql_stmt_execute(MYSQL_STMT *);
int mysql_stmt_fetch(MYSQL_STMT *);
char mysql_stmt_close(MYSQL_STMT *);

static char **arguments;
static int queries, next_query;
static long total;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *drain(void *unused) {
    MYSQL *connection = mysql_init(NULL);
    (void)unused;
    if (!mysql_real_connect(connection, arguments[1], arguments[3], getenv("RL_PASSWORD"), arguments[4],
                            (unsigned)atoi(arguments[2]), NULL, 0)) {
        fprintf(stderr, "%s\n", mysql_error(connection));
        exit(2);
    }
    for (;;) {
        pthread_mutex_lock(&lock);
        int mine = next_query++;
        pthread_mutex_unlock(&lock);
        if (mine >= queries) return NULL;
        const char *query = arguments[6 + mine];
        MYSQL_STMT *statement = mysql_stmt_init(connection);
        if (mysql_stmt_prepare(statement, query, strlen(query)) || mysql_stmt_execute(statement)) {
            fprintf(stderr, "%s: %s\n", query, mysql_stmt_error(statement));
            exit(3);
        }
        long rows = 0;
        int state;
        /* 101 is MYSQL_DATA_TRUNCATED: there is a row, and nowhere to put it. */
        while ((state = mysql_stmt_fetch(statement)) == 0 || state == 101) rows++;
        if (state != 100) {
            fprintf(stderr, "%s: %s\n", query, mysql_stmt_error(statement));
            exit(4);
        }
        mysql_stmt_close(statement);
        pthread_mutex_lock(&lock);
        total += rows;
        pthread_mutex_unlock(&lock);
    }
}

int main(int count, char **values) {
    if (count < 7) return 64;
    arguments = values;
    queries = count - 6;
    int connections = atoi(values[5]);
    pthread_t threads[16];
    if (connections < 1 || connections > 16) return 64;
    for (int i = 0; i < connections; i++) pthread_create(&threads[i], NULL, drain, NULL);
    for (int i = 0; i < connections; i++) pthread_join(threads[i], NULL);
    printf("%ld\n", total);
    return 0;
}
