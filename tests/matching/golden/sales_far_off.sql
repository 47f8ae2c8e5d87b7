SELECT
  "t11"."store_id",
  "t11"."_as_of",
  "t11"."verdict 0"
FROM (
  SELECT
    "t10"."store_id",
    "t10"."dsr",
    "t10"."uv",
    "t10"."sales",
    "t10"."rate",
    "t10"."status",
    "t10"."platform",
    "t10"."opened",
    "t10"."_as_of",
    "t10"."key 1",
    "t10"."value 2",
    "t10"."by 3",
    "t10"."value 4",
    (
      "t10"."sales" > (
        CAST(CAST('0.85' AS DECIMAL(2, 2)) AS DECIMAL(19, 2)) * "t10"."value 4"
      )
    )
    OR (
      ROUND(CAST("t10"."uv" AS DOUBLE) / NULLIF(3.0, 0.0), 9) > ROUND("t10"."value 2", 9)
    ) AS "verdict 0"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t2"."store_id",
        "t2"."dsr",
        "t2"."uv",
        "t2"."sales",
        "t2"."rate",
        "t2"."status",
        "t2"."platform",
        "t2"."opened",
        "t2"."_as_of",
        "t4"."key 1",
        "t4"."value 2",
        "t8"."by 3",
        "t8"."value 4"
      FROM "current_store" AS "t2"
      LEFT OUTER JOIN (
        SELECT
          "t1"."store_id" AS "key 1",
          AVG("t1"."uv") FILTER(WHERE
            "t1"."_as_of" >= (
              "t1"."_until" - INTERVAL '1209600000000' MICROSECOND
            )) AS "value 2"
        FROM "history_store_1209600s" AS "t1"
        GROUP BY
          1
      ) AS "t4"
        ON "t2"."store_id" = "t4"."key 1"
      LEFT OUTER JOIN (
        SELECT
          "t6"."status" AS "by 3",
          MAX("t6"."sales") AS "value 4"
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t2"."store_id",
              "t2"."dsr",
              "t2"."uv",
              "t2"."sales",
              "t2"."rate",
              "t2"."status",
              "t2"."platform",
              "t2"."opened",
              "t2"."_as_of",
              "t4"."key 1",
              "t4"."value 2"
            FROM "current_store" AS "t2"
            LEFT OUTER JOIN (
              SELECT
                "t1"."store_id" AS "key 1",
                AVG("t1"."uv") FILTER(WHERE
                  "t1"."_as_of" >= (
                    "t1"."_until" - INTERVAL '1209600000000' MICROSECOND
                  )) AS "value 2"
              FROM "history_store_1209600s" AS "t1"
              GROUP BY
                1
            ) AS "t4"
              ON "t2"."store_id" = "t4"."key 1"
          ) AS "t5"
          WHERE
            "t5"."status" IS NOT NULL
        ) AS "t6"
        GROUP BY
          1
      ) AS "t8"
        ON "t2"."status" = "t8"."by 3"
    ) AS "t9"
    WHERE
      COALESCE(
        (
          "t9"."sales" > (
            CAST(CAST('0.85' AS DECIMAL(2, 2)) AS DECIMAL(19, 2)) * "t9"."value 4"
          )
        )
        OR (
          ROUND(CAST("t9"."uv" AS DOUBLE) / NULLIF(3.0, 0.0), 9) > ROUND("t9"."value 2", 9)
        ),
        TRUE
      )
  ) AS "t10"
) AS "t11"
