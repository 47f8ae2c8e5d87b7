SELECT
  "t10"."store_id",
  "t10"."_as_of",
  "t10"."verdict 0"
FROM (
  SELECT
    "t9"."store_id",
    "t9"."dsr",
    "t9"."uv",
    "t9"."sales",
    "t9"."rate",
    "t9"."status",
    "t9"."platform",
    "t9"."opened",
    "t9"."_as_of",
    "t9"."key 1",
    "t9"."value 2",
    "t9"."by 3",
    "t9"."value 4",
    (
      "t9"."sales" > (
        CAST(CAST('0.85' AS DECIMAL(2, 2)) AS DECIMAL(19, 2)) * "t9"."value 4"
      )
    )
    OR (
      ROUND(CAST("t9"."uv" AS DOUBLE) / NULLIF(3.0, 0.0), 9) > ROUND("t9"."value 2", 9)
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
        "t6"."key 1",
        "t6"."value 2",
        "t7"."by 3",
        "t7"."value 4"
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
      ) AS "t6"
        ON "t2"."store_id" = "t6"."key 1"
      LEFT OUTER JOIN (
        SELECT
          "t3"."status" AS "by 3",
          MAX("t3"."sales") AS "value 4"
        FROM (
          SELECT
            *
          FROM "current_store" AS "t0"
          WHERE
            "t0"."status" IS NOT NULL
        ) AS "t3"
        GROUP BY
          1
      ) AS "t7"
        ON "t2"."status" = "t7"."by 3"
    ) AS "t8"
    WHERE
      COALESCE(
        (
          "t8"."sales" > (
            CAST(CAST('0.85' AS DECIMAL(2, 2)) AS DECIMAL(19, 2)) * "t8"."value 4"
          )
        )
        OR (
          ROUND(CAST("t8"."uv" AS DOUBLE) / NULLIF(3.0, 0.0), 9) > ROUND("t8"."value 2", 9)
        ),
        TRUE
      )
  ) AS "t9"
) AS "t10"
