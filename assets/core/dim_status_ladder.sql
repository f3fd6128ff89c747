-- Ladders of the register: the states an item of a kind goes through, and the place of each.
-- materialized: table
-- States are compared by their place here, never as words.
SELECT item_type, status, ladder_rank
FROM (
    VALUES
        ('policy', 'drafted', 1),
        ('policy', 'completed', 2),
        ('service_station', 'building', 1),
        ('service_station', 'operating', 2),
        ('incubator', 'drafted', 1),
        ('incubator', 'filed', 2),
        ('incubator', 'passed', 3),
        ('incubator', 'operating', 4),
        ('makerspace', 'drafted', 1),
        ('makerspace', 'filed', 2),
        ('makerspace', 'passed', 3),
        ('makerspace', 'operating', 4),
        ('lab', 'filed', 1),
        ('lab', 'in_progress', 2),
        ('lab', 'landed', 3),
        ('lab', 'operating', 4),
        ('platform', 'building', 1),
        ('platform', 'completed', 2),
        ('platform', 'operating', 3),
        ('pilot', 'filed', 1),
        ('pilot', 'in_progress', 2),
        ('pilot', 'passed', 3),
        ('park_safety_standard', 'filed', 1),
        ('park_safety_standard', 'in_progress', 2),
        ('park_safety_standard', 'passed', 3),
        ('programme', 'drafted', 1),
        ('programme', 'in_progress', 2),
        ('programme', 'completed', 3),
        ('event', 'drafted', 1),
        ('event', 'in_progress', 2),
        ('event', 'completed', 3),
        ('scenario', 'operating', 1),
        ('incubation_stage', 'operating', 1)
) AS ladder(item_type, status, ladder_rank)
